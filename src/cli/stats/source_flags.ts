import { controlAddress } from "../control/address.ts";
import type { Flag } from "../flag.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { positiveDuration, SERVER_FLAGS, serverTarget } from "../server_address.ts";
import { givenToken } from "../token_flags.ts";
import { UsageError } from "../usage_error.ts";
import { type OpenStats, statsFromControl, statsFromWire } from "./source.ts";

/** The flags that say whose figures are shown. */
export const SOURCE_FLAGS: readonly Flag[] = [
  ...SERVER_FLAGS,
  { name: "udp", help: "Asks over UDP instead of TCP." },
  {
    name: "control",
    value: "PATH|HOST:PORT",
    help: "Asks over the server's control socket instead.",
  },
  { name: "timeout", value: "TIME", default: "5s", help: "How long to wait for the server." },
];

/** What they say. Throws UsageError where they contradict each other. */
export async function statsSource(args: ParsedCommand, io: Io): Promise<OpenStats> {
  const timeoutMs = positiveDuration(args, "timeout");
  if (args.text("control") === undefined) return statsFromWire(await serverTarget(args, io), timeoutMs);
  if (args.texts("host").length > 0) throw new UsageError("--control and --host contradict each other");
  for (const name of ["tls", "ca", "cert", "key"]) {
    if (args.isOn(name) === true || args.texts(name).length > 0) {
      throw new UsageError(`--control and --${name} contradict each other`);
    }
  }
  return statsFromControl(controlAddress(args, io), timeoutMs, await givenToken(args, io));
}
