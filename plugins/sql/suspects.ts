import { Altered } from "./catalogue.ts";
import type { Change, Outcome } from "./change.ts";
import { DatabaseError, isFault } from "./database.ts";
import type { Statement } from "./statement.ts";

/** Operations that are remembered, of each kind. */
const MAX_SUSPECTS = 10_000;
/** So often one is tried whose code does not tell, while no other of its statement is written or fails. */
const TRIES_ALONE = 60;

/** An operation that failed with a code that does not tell whose fault it is. */
interface Unclear {
  readonly statement: string;
  /** How many batches had written something of its statement when it failed for the first time. */
  readonly since: number;
  tries: number;
}

/** An operation that may hold up others. */
interface Slow {
  /** With so many of its kind, itself among them, it is written. */
  readonly size: number;
  /** How often it has run out of time alone. */
  readonly tries: number;
}

/**
 * Finds out which changes are themselves the cause where the database's code does not tell. Such a one is tried again; where it fails
 * once more, and another of the same statement was written in the meantime, it is not the database that is at fault. Those that
 * have run out of time together come in halves, until the one that takes so long is alone.
 */
export class Suspects {
  /** How many batches have written something of a statement, by its name. */
  readonly #written = new Map<string, number>();
  /** By the operations' ids, as below; the oldest first. */
  readonly #unclear = new Map<string, Unclear>();
  /** How many of those there are, by their statements' names. */
  readonly #unclearOf = new Map<string, number>();
  readonly #slow = new Map<string, Slow>();

  /**
   * Which changes go together, as their places: those that hold up nobody first, then those that may, in ever smaller groups. Null where
   * all go together.
   */
  groupsOf(changes: readonly Change[]): readonly (readonly number[])[] | null {
    if (this.#slow.size === 0) return null;
    const free: number[] = [];
    const bySize = new Map<number, number[]>();
    for (let index = 0; index < changes.length; index++) {
      const slow = this.#slow.get(changes[index]!.id ?? "");
      if (slow === undefined) free.push(index);
      else bySize.set(slow.size, [...bySize.get(slow.size) ?? [], index]);
    }
    if (bySize.size === 0) return null;
    const groups = free.length === 0 ? [] : [free];
    for (const [size, places] of [...bySize].sort(([one], [other]) => other - one)) {
      for (let at = 0; at < places.length; at += size) groups.push(places.slice(at, at + size));
    }
    return groups;
  }

  /** They ran out of time together; returns how often that was so of one that was alone. */
  ranOutOfTime(changes: readonly Change[]): number {
    const size = Math.ceil(changes.length / 2);
    let tries = 0;
    for (const { id = "" } of changes) {
      if (changes.length === 1) tries = (this.#slow.get(id)?.tries ?? 0) + 1;
      this.#isolate(id, { size, tries });
    }
    return tries;
  }

  /** It is to be written alone, after all others. */
  holdsUp({ id = "" }: Change): void {
    if (this.#slow.get(id)?.size !== 1) this.#isolate(id, { size: 1, tries: 0 });
  }

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
        this.#acquit(change);
      } else if (isFault(outcome, "unclear") && !(outcome instanceof Altered)) {
        const { id = "" } = change;
        const unclear = this.#unclear.get(id);
        if (unclear === undefined) failed.push(change);
        else outcomes[index] = this.#judgeAgain(unclear, outcome);
      }
      if (isFault(outcomes[index], "row")) this.#acquit(change);
    }
    // What was written in the same batch may have come before the database failed, or after.
    for (const name of written) this.#written.set(name, this.#batchesOf(name) + 1);
    for (const { id = "", statement: { name } } of failed) {
      const [oldest] = this.#unclear.keys();
      if (this.#unclear.size >= MAX_SUSPECTS && oldest !== undefined) this.#forget(oldest);
      this.#unclear.set(id, { statement: name, since: this.#batchesOf(name), tries: 1 });
      this.#unclearOf.set(name, (this.#unclearOf.get(name) ?? 0) + 1);
    }
  }

  #judgeAgain(unclear: Unclear, error: DatabaseError): DatabaseError {
    const { statement, since } = unclear;
    if (this.#batchesOf(statement) > since) return new DatabaseError("row", error.message, { cause: error });
    // Where others of the statement fail, too, it is the database.
    const isAlone = this.#unclearOf.get(statement) === 1;
    if (!isAlone || ++unclear.tries < TRIES_ALONE) return error;
    const what = `${error.message}${codeOf(error.cause)}`;
    return new DatabaseError(
      "row",
      `${what}: it has failed ${TRIES_ALONE} times, while the database answered`,
      {
        cause: error,
      },
    );
  }

  /** Nothing is held against it any more. */
  #acquit(change: Change): void {
    if (this.#unclear.size > 0) this.#forget(change.id ?? "");
    if (this.#slow.size > 0) this.#slow.delete(change.id ?? "");
  }

  #forget(id: string): void {
    const name = this.#unclear.get(id)?.statement;
    if (name === undefined) return;
    this.#unclear.delete(id);
    const left = this.#unclearOf.get(name)! - 1;
    if (left > 0) this.#unclearOf.set(name, left);
    else this.#unclearOf.delete(name);
  }

  #isolate(id: string, slow: Slow): void {
    const [oldest] = this.#slow.keys();
    if (this.#slow.size >= MAX_SUSPECTS && oldest !== undefined) this.#slow.delete(oldest);
    this.#slow.set(id, slow);
  }

  #batchesOf(name: string): number {
    return this.#written.get(name) ?? 0;
  }
}

/** The database's code, where the error of its driver has one. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  const inner = cause instanceof DatabaseError ? codeOf(cause.cause) : "";
  if (inner !== "") return inner;
  const known = ["errno", "errcode", "code"].find((name) =>
    name in cause && Reflect.get(cause, name) !== undefined
  );
  return known === undefined ? "" : ` (code ${Reflect.get(cause, known)})`;
}
