import type { JsonValue } from "../../src/plugin.ts";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";

/** One kind of work of the mix. */
export interface Work {
  readonly name: string;
  readonly transport: "tcp" | "unix";
  readonly command: number;
  readonly sync: boolean;
  readonly body: Uint8Array;
  readonly connections: number;
  /** Requests that each connection has under way. */
  readonly depth: number;
  /** The rate that the server is to reach with this work, per second. */
  readonly bar: number;
}

const ECHO = 1001;
const NOTHING = 1002;
/** About 100 bytes of text. */
const PARAMS: JsonValue = { uid: 7, note: "x".repeat(80) };
const HDF = encodeBody(Encoding.Hdf, PARAMS);
const JSON_BODY = encodeBody(Encoding.Json, PARAMS);
const CELLS = encodeBody(Encoding.Cells, PARAMS);

const async = { command: NOTHING, sync: false, body: HDF, transport: "tcp" } as const;
const sync = { command: NOTHING, sync: true, body: HDF, transport: "tcp" } as const;

/** The mix, in turns; the bars are those of bench/RESULTS.md, that of Unix and cells is TCP's. */
export const WORKS: readonly Work[] = [
  { ...async, name: "async, 50 x 16", connections: 50, depth: 16, bar: 1_000_000 },
  { ...sync, name: "sync, 50 x 1", connections: 50, depth: 1, bar: 100_000 },
  { ...sync, name: "sync, 50 x 16", connections: 50, depth: 16, bar: 600_000 },
  {
    ...sync,
    name: "sync echo of JSON, 50 x 16",
    command: ECHO,
    body: JSON_BODY,
    connections: 50,
    depth: 16,
    bar: 250_000,
  },
  {
    ...sync,
    name: "sync, cells over Unix, 50 x 1",
    transport: "unix",
    body: CELLS,
    connections: 50,
    depth: 1,
    bar: 100_000,
  },
];
