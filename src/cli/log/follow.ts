import { setTimeout as delay } from "node:timers/promises";
import { stringifyJson } from "../../exact_json.ts";
import { MAX_KEPT_LINES } from "../../observe/log_ring.ts";
import type { JsonObject } from "../../plugin.ts";
import { controlAddress } from "../control/address.ts";
import { controlFailure } from "../control/call.ts";
import { ControlClient, isObject } from "../control/client.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { positiveDuration } from "../server_address.ts";
import { givenToken } from "../token_flags.ts";
import { linesText, listed } from "./lines.ts";

/** The server is asked for new lines this often, in ms. */
const ASK_EVERY_MS = 200;

/** Prints the lines that are there, then those that come, until SIGINT or the end of the server. */
export async function followLog(args: ParsedCommand, io: Io, request: JsonObject): Promise<number> {
  const timeoutMs = positiveDuration(args, "timeout");
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const stop = () => interrupted.abort();
  Deno.addSignalListener("SIGINT", stop);
  try {
    using client = await ControlClient.connect(
      controlAddress(args, io),
      timeoutMs,
      await givenToken(args, io),
    );
    for (let asked = request; !signal.aborted;) {
      const result = await client.call(asked);
      if (!isObject(result)) break;
      const missed = Number(result["missed"]);
      if (asked !== request && missed > 0) {
        await io.stderr.write(`mevent log: ${missed} lines came too fast and are missing here\n`);
      }
      await io.stdout.write(
        args.isOn("json") === true
          ? listed(result).map((line) => `${stringifyJson(line)}\n`).join("")
          : linesText(result, io),
      );
      asked = { ...request, limit: MAX_KEPT_LINES, after: result["last"] ?? 0 };
      await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
    return ExitCode.Ok;
  } catch (error) {
    const exitCode = controlFailure(error);
    if (exitCode === undefined || !(error instanceof Error)) throw error;
    await io.stderr.write(`mevent log: ${error.message}\n`);
    return exitCode;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
  }
}
