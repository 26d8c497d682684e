import { DEFAULT_PORT } from "../control/control_path.ts";
import { quoted } from "./shell.ts";

/** The host that clients take by themselves. */
const DEFAULT_HOST = "127.0.0.1";
/** What a server at any address of its machine is reached at. */
const REACHED_AT: ReadonlyMap<string, string> = new Map([["0.0.0.0", DEFAULT_HOST], ["::", "::1"]]);

/** What is told of a server that has started. */
export interface Started {
  /** In the config's order; of Unix sockets the paths as this process finds them. */
  readonly streams: readonly Deno.Addr[];
  readonly datagrams: readonly Deno.Addr[];
  /** As `unix /run/mevent.sock` or `tcp 127.0.0.1:26001`. */
  readonly controls: readonly string[];
  readonly plugins: readonly StartedPlugin[];
}

export interface StartedPlugin {
  readonly name: string;
  readonly biz: number | undefined;
  readonly module: string;
  /** The numbers of its commands. */
  readonly commands: readonly number[];
  /** Params that the first of them takes, as JSON; null where that is not known. */
  readonly example: string | null;
}

/** First commands that work against this very server, from where it was started. */
export function whatNext({ streams, datagrams, controls, plugins }: Started): string {
  const [address] = [...streams, ...datagrams];
  if (address === undefined) return "It has no listener: give it one with --listen.\n";
  const where = whereFlags(address);
  const lines = [
    ...sendLine(plugins, where),
    // Over UDP a server tells no figures: the answer is larger than what asks for it.
    ...streams.length > 0
      ? [`mevent stats${where}`]
      : controls.slice(0, 1).map((control) => `mevent stats --control ${quoted(placeOf(control))}`),
  ];
  return lines.length === 0 ? "" : `Next:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Of a plugin whose params are known, else of the first that has a command. */
function sendLine(plugins: readonly StartedPlugin[], where: string): string[] {
  const callable = plugins.filter(({ commands }) => commands.length > 0);
  const plugin = callable.find((each) => paramsOf(each) !== null) ?? callable[0];
  if (plugin === undefined) return [];
  const params = paramsOf(plugin);
  const line = `mevent send --biz ${quoted(String(plugin.biz ?? plugin.name))} --cmd ${
    plugin.commands[0]
  }${where}`;
  return [
    params === null
      ? `${line} # and what the command takes: key=value, key:=JSON`
      : `${line} --json ${quoted(params)}`,
  ];
}

function paramsOf({ module, example }: StartedPlugin): string | null {
  return example ?? (module === "builtin:echo" ? '{"uid": 7}' : null);
}

/** The flags that lead a client to a listener, where it is not the one that it takes by itself. */
function whereFlags(address: Deno.Addr): string {
  if (address.transport === "unix") return ` --unix ${quoted((address as Deno.UnixAddr).path)}`;
  const { transport, hostname, port } = address as Deno.NetAddr;
  const host = REACHED_AT.get(hostname) ?? hostname;
  return (host === DEFAULT_HOST ? "" : ` --host ${quoted(host)}`) +
    (port === DEFAULT_PORT ? "" : ` --port ${port}`) + (transport === "udp" ? " --udp" : "");
}

function placeOf(control: string): string {
  return control.slice(control.indexOf(" ") + 1);
}
