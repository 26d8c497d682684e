import type { AuthKind } from "../auth/listener_access.ts";
import { DEFAULT_PORT } from "../control/control_path.ts";
import type { TlsSettings } from "../tls/tls_settings.ts";
import { quoted } from "./shell.ts";

/** The host that clients take by themselves. */
const DEFAULT_HOST = "127.0.0.1";
/** What a server at any address of its machine is reached at. */
const REACHED_AT: ReadonlyMap<string, string> = new Map([["0.0.0.0", DEFAULT_HOST], ["::", "::1"]]);

/** What is told of a server that has started. */
export interface Started {
  /** Those of the wire, in the config's order; of Unix sockets the paths as this process finds them. */
  readonly streams: readonly StartedListener[];
  readonly datagrams: readonly Deno.Addr[];
  readonly http: readonly StartedListener[];
  /** As `unix /run/mevent.sock` or `tcp 127.0.0.1:26001`. */
  readonly controls: readonly string[];
  readonly plugins: readonly StartedPlugin[];
}

/** A listener, and what callers have to show there. */
export interface StartedListener {
  readonly address: Deno.Addr;
  /** Null for plain bytes. */
  readonly tls: Pick<TlsSettings, "cert" | "clientCa"> | null;
  readonly auth: AuthKind;
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
export function whatNext(started: Started): string {
  const lines = nextLines(started);
  if (lines === null) return "It has no listener: give it one with --listen.\n";
  return lines.length === 0 ? "" : `Next:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Null where it has no listener. */
function nextLines({ streams, datagrams, http, controls, plugins }: Started): string[] | null {
  // One where nothing is to be shown is the least trouble.
  const stream = streams.find(({ tls, auth }) => tls === null && auth === "none") ?? streams[0];
  const [datagram] = datagrams;
  const call = firstCall(plugins);
  if (stream !== undefined) {
    const { flags, lacking } = shown(stream);
    const where = `${whereFlags(stream.address)}${flags}`;
    return [...sendLine(call, where, lacking), withRemarks(`mevent stats${where}`, lacking)];
  }
  // Over UDP a server tells no figures, as the answer is larger than what asks for it; `mevent stats` speaks no HTTP.
  const stats = controls.slice(0, 1).map((control) => `mevent stats --control ${quoted(placeOf(control))}`);
  if (datagram !== undefined) return [...sendLine(call, whereFlags(datagram), []), ...stats];
  return http[0] === undefined ? null : [...curlLine(call, http[0]), ...stats];
}

interface Call {
  readonly plugin: string;
  readonly command: number;
  /** As JSON; null where it is not known what the command takes. */
  readonly params: string | null;
}

/** Of a plugin whose params are known, else of the first that has a command. */
function firstCall(plugins: readonly StartedPlugin[]): Call | null {
  const callable = plugins.filter(({ commands }) => commands.length > 0);
  const plugin = callable.find((each) => paramsOf(each) !== null) ?? callable[0];
  if (plugin === undefined) return null;
  const { biz, name, commands } = plugin;
  return { plugin: String(biz ?? name), command: commands[0]!, params: paramsOf(plugin) };
}

function paramsOf({ module, example }: StartedPlugin): string | null {
  return example ?? (module === "builtin:echo" ? '{"uid": 7}' : null);
}

function sendLine(call: Call | null, where: string, lacking: readonly string[]): string[] {
  if (call === null) return [];
  const line = `mevent send --biz ${quoted(call.plugin)} --cmd ${call.command}${where}`;
  return [
    call.params === null
      ? withRemarks(line, ["what the command takes: key=value, key:=JSON", ...lacking])
      : withRemarks(`${line} --json ${quoted(call.params)}`, lacking),
  ];
}

function curlLine(call: Call | null, { address, tls, auth }: StartedListener): string[] {
  if (call === null) return [];
  const { port } = address as Deno.NetAddr;
  const host = hostOf(address as Deno.NetAddr);
  const words = [
    "curl -s -H 'Content-Type: application/json'",
    ...auth === "token" ? ['-H "Authorization: Bearer $MEVENT_TOKEN"'] : [],
    ...tls === null ? [] : [`--cacert ${quoted(tls.cert)}`],
    `-d ${quoted(call.params ?? "{}")}`,
    quoted(
      `http${tls === null ? "" : "s"}://${host.includes(":") ? `[${host}]` : host}:${port}/v1/${
        encodeURIComponent(call.plugin)
      }/${call.command}`,
    ),
  ];
  const { lacking } = shown({ address, tls, auth });
  return [
    withRemarks(words.join(" "), [
      ...call.params === null ? ["what the command takes, in place of {}"] : [],
      ...lacking,
    ]),
  ];
}

/** The flags of what callers show at a listener, and what of that they have to have themselves. */
function shown({ tls, auth }: StartedListener): { readonly flags: string; readonly lacking: string[] } {
  const clientCa = tls?.clientCa ?? null;
  return {
    flags: tls === null ? "" : ` --tls --ca ${quoted(tls.cert)}`,
    lacking: [
      ...clientCa === null ? [] : [`--cert and --key: a certificate that ${clientCa} has signed`],
      ...auth === "token" ? ["a token in MEVENT_TOKEN: `mevent token new` makes one"] : [],
    ],
  };
}

function withRemarks(line: string, remarks: readonly string[]): string {
  return remarks.length === 0 ? line : `${line} # and ${remarks.join("; and ")}`;
}

/** The flags that lead a client to a listener, where it is not the one that it takes by itself. */
function whereFlags(address: Deno.Addr): string {
  if (address.transport === "unix") return ` --unix ${quoted((address as Deno.UnixAddr).path)}`;
  const { transport, port } = address as Deno.NetAddr;
  const host = hostOf(address as Deno.NetAddr);
  return (host === DEFAULT_HOST ? "" : ` --host ${quoted(host)}`) +
    (port === DEFAULT_PORT ? "" : ` --port ${port}`) + (transport === "udp" ? " --udp" : "");
}

function hostOf({ hostname }: Deno.NetAddr): string {
  return REACHED_AT.get(hostname) ?? hostname;
}

function placeOf(control: string): string {
  return control.slice(control.indexOf(" ") + 1);
}
