import type { ServerAddress } from "../client/address.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { UsageError } from "./usage_error.ts";

/** The server that --host and --port, --unix or --udp name. Throws UsageError where they contradict each other. */
export function serverAddress(args: ParsedCommand): ServerAddress {
  const path = args.text("unix");
  const isUdp = args.isOn("udp") === true;
  if (path === undefined) {
    const inet = { hostname: hostOf(args.required("host")), port: args.int("port", 1, 65_535) };
    return isUdp ? { transport: "udp", ...inet } : { transport: "tcp", ...inet };
  }
  if (isUdp) throw new UsageError("--unix and --udp contradict each other");
  for (const name of ["host", "port"]) {
    if (args.texts(name).length > 0) throw new UsageError(`--unix and --${name} contradict each other`);
  }
  return { transport: "unix", path };
}

function hostOf(text: string): string {
  if (text.trim() !== "" && !/^\[[^\]]*$/.test(text)) return text;
  throw new UsageError(`--host: expected a name or an address, not ${JSON.stringify(text)}`);
}

/** The longest message that the commands take and send, in bytes; the server's own `max_frame` is at most this. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** A duration flag that must not be 0, in milliseconds. Throws UsageError. */
export function positiveDuration(args: ParsedCommand, name: string): number {
  const milliseconds = args.duration(name);
  if (milliseconds === 0) throw new UsageError(`--${name}: expected more than 0`);
  return milliseconds;
}
