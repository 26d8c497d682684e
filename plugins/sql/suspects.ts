import { Altered } from "./catalogue.ts";
import type { Change, Outcome } from "./change.ts";
import { DatabaseError, isFault } from "./database.ts";
import type { Statement } from "./statement.ts";

/** Operations that are remembered. */
const MAX_SUSPECTS = 10_000;

/**
 * Finds out which changes are themselves the cause where the database's code does not tell. Such a one is tried again; where it fails
 * once more, and another of the same statement was written in the meantime, it is not the database that is at fault.
 */
export class Suspects {
  /** How many batches have written something of a statement, by its name. */
  readonly #written = new Map<string, number>();
  /** What that number was when an operation failed for the first time. */
  readonly #since = new Map<string, number>();

  /** Makes `unclear` a `row` where that is known by now. */
  judge(changes: readonly Change[], outcomes: Outcome[]): void {
    const failed: Change[] = [];
    const written = new Set<string>();
    let last: Statement | undefined;
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index]!;
      const outcome = outcomes[index];
      if (typeof outcome === "number") {
        if (change.statement !== last) written.add(change.statement.name);
        last = change.statement;
        if (this.#since.size > 0) this.#since.delete(change.id ?? "");
        continue;
      }
      if (!isFault(outcome, "unclear") || outcome instanceof Altered) continue;
      const { id = "", statement: { name } } = change;
      const since = this.#since.get(id);
      if (since === undefined) failed.push(change);
      else if (this.#batchesOf(name) > since) {
        outcomes[index] = new DatabaseError("row", outcome.message, { cause: outcome });
        this.#since.delete(id);
      }
    }
    // What was written in the same batch may have come before the database failed, or after.
    for (const name of written) this.#written.set(name, this.#batchesOf(name) + 1);
    for (const { id = "", statement: { name } } of failed) {
      const [oldest] = this.#since.keys();
      if (this.#since.size >= MAX_SUSPECTS && oldest !== undefined) this.#since.delete(oldest);
      this.#since.set(id, this.#batchesOf(name));
    }
  }

  #batchesOf(name: string): number {
    return this.#written.get(name) ?? 0;
  }
}
