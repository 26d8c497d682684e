import { TIMEOUT_MS } from "./faulty_server.ts";

/** One of the ways in which bench/plugins/faulty.js fails. */
export interface PluginFault {
  readonly name: string;
  readonly command: number;
  readonly params: Readonly<Record<string, number>>;
  /** How often it stands in a burst. */
  readonly times: number;
}

const fault = (
  name: string,
  command: number,
  times = 1,
  params: Record<string, number> = {},
): PluginFault => ({
  name,
  command,
  params,
  times,
});

export const PLUGIN_FAULTS: readonly PluginFault[] = [
  fault("hang", 1002, 3),
  fault("throw", 1003, 8),
  fault("spin", 1004, 1, { ms: TIMEOUT_MS * 2 }),
  fault("spin until it is replaced", 1004, 1, { ms: 1500 }),
  fault("close its worker", 1005),
  fault("exit", 1006),
  fault("leak", 1007, 2),
  fault("reply twice", 1008, 4),
  fault("post garbage", 1009, 2),
  fault("forge a failure", 1010),
  fault("throw later", 1011, 4),
  fault("reply too much", 1012, 2),
  fault("reply too deep", 1013, 1),
];
