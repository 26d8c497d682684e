import type { ServerAddress } from "../client/address.ts";
import type { ConnectionOptions } from "../client/connection.ts";
import type { TlsOptions } from "../client/runtime_sockets.ts";
import { systemReason } from "../system_reason.ts";
import type { Flag } from "./flag.ts";
import type { Io } from "./io.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { givenToken, TOKEN_FLAGS } from "./token_flags.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that say where a server is, and how it and the caller show who they are; a command may have --udp beside them. */
export const SERVER_FLAGS: readonly Flag[] = [
  { name: "host", value: "HOST", default: "127.0.0.1", help: "The server's host." },
  { name: "port", value: "PORT", default: "26000", help: "The server's port." },
  { name: "unix", value: "PATH", help: "The server's Unix socket, instead of host and port." },
  { name: "tls", help: "Speaks TLS at host and port." },
  { name: "ca", value: "PATH", help: "With --tls: certificates (PEM) of authorities that are trusted, too." },
  { name: "cert", value: "PATH", help: "With --tls: the certificate (PEM) that the server is shown." },
  { name: "key", value: "PATH", help: "The key (PEM) of --cert." },
  ...TOKEN_FLAGS,
];

/** A server, and how it is connected to. */
export interface ServerTarget {
  readonly address: ServerAddress;
  readonly options: Pick<ConnectionOptions, "tls" | "token">;
}

/** What {@link SERVER_FLAGS} say. Throws UsageError where they contradict each other, or a file cannot be read. */
export async function serverTarget(args: ParsedCommand, io: Pick<Io, "env">): Promise<ServerTarget> {
  const address = serverAddress(args);
  const tls = await givenTls(args);
  const token = await givenToken(args, io);
  if (address.transport !== "udp") {
    return { address, options: { ...tls, ...token === undefined ? {} : { token } } };
  }
  // One of the environment is meant for other commands, too.
  for (const name of ["token", "token-file"]) {
    if (args.texts(name).length > 0) throw new UsageError(`--${name}: there is no login over UDP`);
  }
  return { address, options: {} };
}

/** The server that --host and --port, --unix or --udp name. Throws UsageError where they contradict each other. */
export function serverAddress(args: ParsedCommand): ServerAddress {
  const path = args.text("unix");
  const isUdp = args.isOn("udp") === true;
  const isTls = args.isOn("tls") === true;
  if (isTls && isUdp) throw new UsageError("--tls and --udp contradict each other");
  if (path === undefined) {
    const inet = { hostname: hostOf(args.required("host")), port: args.int("port", 1, 65_535) };
    return isUdp ? { transport: "udp", ...inet } : { transport: isTls ? "tls" : "tcp", ...inet };
  }
  if (isUdp) throw new UsageError("--unix and --udp contradict each other");
  if (isTls) throw new UsageError("--unix and --tls contradict each other");
  for (const name of ["host", "port"]) {
    if (args.texts(name).length > 0) throw new UsageError(`--unix and --${name} contradict each other`);
  }
  return { transport: "unix", path };
}

function hostOf(text: string): string {
  if (text.trim() !== "" && !/^\[[^\]]*$/.test(text)) return text;
  throw new UsageError(`--host: expected a name or an address, not ${JSON.stringify(text)}`);
}

async function givenTls(args: ParsedCommand): Promise<{ readonly tls?: TlsOptions }> {
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => args.text(name));
  if (args.isOn("tls") !== true) {
    for (const name of ["ca", "cert", "key"]) {
      if (args.text(name) !== undefined) throw new UsageError(`--${name} needs --tls`);
    }
    return {};
  }
  if (cert !== undefined && key === undefined) throw new UsageError("--cert needs --key");
  if (key !== undefined && cert === undefined) throw new UsageError("--key needs --cert");
  return {
    tls: {
      ...ca === undefined ? {} : { ca: await pem("ca", ca) },
      ...cert === undefined || key === undefined
        ? {}
        : { cert: await pem("cert", cert), key: await pem("key", key) },
    },
  };
}

async function pem(name: string, path: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`--${name}: cannot read ${path}: ${systemReason(error, "file")}`);
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new UsageError(`--${name}: ${path} is no PEM: no line begins with -----BEGIN`);
}

/** The longest message that the commands take and send, in bytes; the server's own `max_frame` is at most this. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** A duration flag that must not be 0, in milliseconds. Throws UsageError. */
export function positiveDuration(args: ParsedCommand, name: string): number {
  const milliseconds = args.duration(name);
  if (milliseconds === 0) throw new UsageError(`--${name}: expected more than 0`);
  return milliseconds;
}
