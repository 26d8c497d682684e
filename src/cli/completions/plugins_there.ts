import type { Command } from "../command.ts";
import { controlAddress } from "../control/address.ts";
import { parseCommand } from "../parse.ts";
import type { Io } from "../io.ts";
import { serverTarget } from "../server_address.ts";
import { asServerStats } from "../stats/report.ts";
import { type OpenStats, statsFromControl, statsFromWire } from "../stats/source.ts";
import { givenToken } from "../token_flags.ts";
import { printable } from "../aligned.ts";
import type { Candidate } from "./complete.ts";

/** Somebody waits with a finger on the key: a server that does not answer within so long has no names; in ms. */
const PATIENCE_MS = 300;

/**
 * The plugins of the server that a command with these flags would speak to. None where no server answers soon, or it tells its figures to
 * others: a completion says nothing of what went wrong.
 */
export async function pluginsThere(
  command: Command,
  flags: readonly string[],
  io: Pick<Io, "env">,
): Promise<Candidate[]> {
  try {
    const source = await (await sourceOf(command, flags, io))();
    try {
      const { plugins } = asServerStats(await source.fetch());
      return plugins.map(({ name, description }) => ({ word: name, help: printable(description) }));
    } finally {
      await source.close();
    }
  } catch {
    return [];
  }
}

async function sourceOf(command: Command, flags: readonly string[], io: Pick<Io, "env">): Promise<OpenStats> {
  const args = parseCommand({ ...command, positionals: true }, flags);
  const has = (name: string) => command.flags.some((flag) => flag.name === name);
  if (has("host") && args.text("control") === undefined) {
    return statsFromWire(await serverTarget(args, io), PATIENCE_MS);
  }
  return statsFromControl(controlAddress(args, io), PATIENCE_MS, await givenToken(args, io));
}
