import type { Log, LogLevel } from "../observe/log.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { errorText } from "./summaries.ts";

/** Codes that say that the request was wrong, or that there is not what it asks for: nothing that a plugin could mend. */
const MISTAKES: ReadonlySet<number> = new Set([
  ReplyCode.Broken,
  ReplyCode.Unknown,
  ReplyCode.BadParam,
  ReplyCode.CacheMiss,
]);

/** Whether a code is about what the caller has sent, and not about the plugin. */
export function isMistake(code: number): boolean {
  return MISTAKES.has(code);
}

/** A failed attempt, as the log tells it. */
export interface FailedAttempt {
  /** As `mevent peek` shows it, and the id that it has everywhere. */
  readonly operation: number;
  readonly operationId: string;
  readonly command: number;
  /** From 1; 0 for one that was never begun. */
  readonly attempt: number;
  /** Null where there was no reply. */
  readonly code: number | null;
  readonly error: DeadLetter["error"];
}

/** Tells the log of operations that fail, and what becomes of each. The log's own bound holds for these lines, too. */
export class FailureLog {
  constructor(readonly plugin: string, readonly log: Log) {}

  /** It is tried again. */
  retried(attempt: () => FailedAttempt, waitMs: number): void {
    this.#tell("warn", "an operation failed and is tried again", attempt, {
      retry_in_ms: Math.round(waitMs),
    });
  }

  /** Its caller is told. What the plugin itself says of a request is no alarm. */
  told(code: number, attempt: () => FailedAttempt): void {
    const level = isMistake(code) ? "debug" : code >= ReplyCode.FirstApplicationError ? "info" : "warn";
    this.#tell(level, "an operation failed, and its caller is told", attempt);
  }

  /** Nobody is told: it is kept as a dead letter, or there is no room for one more. */
  buried(isKept: boolean, attempt: () => FailedAttempt): void {
    const message = isKept
      ? "an operation failed for good and is kept as a dead letter"
      : "an operation failed for good and is lost: there is no room for it among the dead letters";
    this.#tell("warn", message, attempt);
  }

  /** A dead letter of before has made room for a newer one. */
  dropped(letter: DeadLetter, nameOf: (id: number, acceptedAt: number) => string): void {
    const { id, command, attempts, error, acceptedAt } = letter;
    this.#tell("warn", "a dead letter is dropped for newer ones", () => ({
      operation: id,
      operationId: nameOf(id, acceptedAt),
      command,
      attempt: attempts,
      code: null,
      error,
    }));
  }

  #tell(
    level: LogLevel,
    message: string,
    attempt: () => FailedAttempt,
    more: { readonly [name: string]: number } = {},
  ): void {
    if (!this.log.hasRoom(level, this.plugin)) return;
    const { operation, operationId, command, attempt: number, code, error } = attempt();
    this.log.write(level, message, {
      plugin: this.plugin,
      operation,
      operation_id: operationId,
      command,
      attempt: number,
      ...code === null ? {} : { code },
      error: errorText({ error }),
      ...more,
    });
  }
}
