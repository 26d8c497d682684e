import { ReplyCode } from "../../protocol/codes.ts";
import { ExitCode } from "../exit_codes.ts";

/** The exit code for a reply code; `mevent help send` lists them. */
export function sendOutcome(code: number): number {
  if (code >= ReplyCode.Ok) return ExitCode.Ok;
  return OUTCOMES.get(code) ?? ExitCode.Failed;
}

const OUTCOMES = new Map<number, number>([
  [ReplyCode.Busy, ExitCode.Busy],
  [ReplyCode.Memory, ExitCode.Busy],
  [ReplyCode.Broken, ExitCode.Data],
  [ReplyCode.Unknown, ExitCode.Data],
  [ReplyCode.BadParam, ExitCode.Data],
]);
