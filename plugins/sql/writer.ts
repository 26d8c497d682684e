import { Altered, type Catalogue } from "./catalogue.ts";
import { type Change, isOfOne, type Outcome, writeApart, writeTogether } from "./change.ts";
import { DatabaseError, isFault, type Session } from "./database.ts";
import type { Ledger } from "./ledger.ts";
import { isLost, type Link } from "./link.ts";
import { Suspects } from "./suspects.ts";
import type { TimeLimit } from "./time_limit.ts";

/** Before a transaction is tried again that another was in the way of, doubled each time; in ms. */
const FIRST_BACKOFF_MS = 5;
const MAX_BACKOFF_MS = 500;

/**
 * So often a transaction is tried that ends its connection, or is in others' way, before it is tried in halves: one change may be the
 * cause, and is not to hold up the others.
 */
const TRIES_TOGETHER = 3;

/** The connection was lost during a COMMIT, and the time was over before the database could be asked about it. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

/** The time was over before the transaction was: nothing is written. */
export class OutOfTime extends DatabaseError {
  /** @param tries how often that was so of this change, alone */
  constructor(message: string, readonly tries: number) {
    super("lost", message);
  }
}

/** The connection was lost again and again in the middle of this change, and of nothing else: it may be the cause. */
class EndsConnections extends DatabaseError {
  constructor(times: number, cause: unknown) {
    super("unclear", `the connection was lost ${times} times in the middle of it: ${textOf(cause)}`, {
      cause,
    });
  }
}

/** The transaction was tried often enough with all these changes. */
class TooOften extends Error {
  override readonly name = "TooOften";
}

export interface WriterEvents {
  /** A transaction was committed, with so many rows. */
  committed(rows: number): void;
  /** A transaction is tried again: another was in the way, or the connection was lost. */
  retried(): void;
  /** So many changes were refused for good. */
  refused(changes: number): void;
}

/** Writes batches, each in one transaction: what the database refuses fails by itself, the rest is committed, once. */
export class Writer {
  readonly #suspects = new Suspects();

  constructor(
    readonly link: Link,
    /** Null where a COMMIT always tells its outcome, and where it may be done twice. */
    readonly ledger: Ledger | null,
    readonly events: WriterEvents,
    readonly catalogue: Pick<Catalogue, "confirm">,
  ) {}

  /**
   * Returns the outcome of each change, in their order; never throws. An OutcomeUnknown may be written, a DatabaseError is
   * not: `row` fails again, the others may not; and Altered is to be made anew of its operation.
   */
  async write(changes: readonly Change[], limit: TimeLimit): Promise<Outcome[]> {
    const groups = this.#suspects.groupsOf(changes);
    const outcomes: Outcome[] = [];
    if (groups === null) outcomes.push(...await this.#writeGroup(changes, limit, changes.length > 1));
    for (const places of groups ?? []) {
      const found = await this.#writeGroup(places.map((index) => changes[index]!), limit, changes.length > 1);
      for (const [at, index] of places.entries()) outcomes[index] = found[at]!;
    }
    this.#suspects.judge(changes, outcomes);
    let refused = 0;
    for (const outcome of outcomes) if (isFault(outcome, "row")) refused++;
    if (refused > 0) this.events.refused(refused);
    return outcomes;
  }

  /** @param hasOthers whether others wait for the end of these */
  async #writeGroup(changes: readonly Change[], limit: TimeLimit, hasOthers: boolean): Promise<Outcome[]> {
    const outcomes: (Outcome | undefined)[] = changes.map(() => undefined);
    try {
      await this.#commitAll(changes, 0, outcomes, limit, hasOthers);
    } catch (error) {
      // What was committed apart stays so.
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const index of outcomes.keys()) outcomes[index] ??= failure;
    }
    return outcomes as Outcome[];
  }

  /**
   * Commits them in one transaction where that can be; fills in their outcomes as far as they are known.
   *
   * @param from the place of the first among the outcomes
   */
  async #commitAll(
    pending: readonly Change[],
    from: number,
    outcomes: (Outcome | undefined)[],
    limit: TimeLimit,
    hasOthers: boolean,
  ): Promise<void> {
    const commit = async (work: typeof writeApart) => {
      let found: Outcome[];
      try {
        found = await this.#transact(work, pending, limit, hasOthers);
      } catch (error) {
        // What holds up others is given up for now, when it is alone.
        const [first] = pending;
        const isLeft = pending.length === 1 &&
          (error instanceof TooOften || error instanceof EndsConnections);
        if (isLeft && first !== undefined) this.#suspects.holdsUp(first);
        else if (!(error instanceof OutcomeUnknown)) throw error;
        found = pending.map(() => error instanceof TooOften ? error.cause as Error : error as Error);
      }
      for (let at = 0; at < found.length; at++) outcomes[from + at] = found[at];
    };
    try {
      return await commit(writeTogether);
    } catch (error) {
      if (!isForHalves(error) && !isForEach(error)) throw error;
      if (isForEach(error)) {
        try {
          return await commit(async (session, changes) => {
            // Before a change is called wrong: it may have been made for a table that is another one by now.
            await this.catalogue.confirm(session, changes);
            return await writeApart(session, changes);
          });
        } catch (second) {
          // Only at the COMMIT did the database say so, and not of which.
          if (!isForHalves(second) && !isForEach(second)) throw second;
          if (pending.length === 1) {
            outcomes[from] = second;
            return;
          }
        }
      }
    }
    const half = pending.length >> 1;
    await this.#commitAll(pending.slice(0, half), from, outcomes, limit, hasOthers);
    await this.#commitAll(pending.slice(half), from + half, outcomes, limit, hasOthers);
  }

  /** One transaction, again and again until it is committed. Throws what is no matter of trying again. */
  async #transact(
    work: typeof writeApart,
    changes: readonly Change[],
    limit: TimeLimit,
    hasOthers: boolean,
  ): Promise<Outcome[]> {
    /** So often in a row the connection was lost in the middle of the work. */
    let lost = 0;
    let failure: unknown;
    for (let attempt = 0, begun = 0;; attempt++) {
      const session = await this.link.session(limit);
      using _ = limit.destroys(session);
      let outcomes: Outcome[] = [];
      let [isAtWork, isCommitting] = [false, false];
      try {
        await session.begin();
        begun++;
        isAtWork = true;
        // The database is there, as it was each time.
        if (lost >= TRIES_TOGETHER && changes.length === 1) throw new EndsConnections(lost, failure);
        outcomes = await work(session, changes);
        isAtWork = false;
        // Whoever was to alter a table waits for the end of this transaction.
        await both(this.catalogue.confirm(session, changes), this.ledger?.mark(session));
        if (limit.isOver) throw new DatabaseError("lost", "the time was over before the COMMIT");
        isCommitting = true;
        await session.commit();
        this.ledger?.committed();
      } catch (error) {
        await this.#abandon(session, error);
        if (!isCommitting || !isLost(error) || !await this.#wasCommitted(error, limit)) {
          if (isOfOne(error) && (isAtWork || isCommitting || error instanceof Altered)) throw error;
          if (limit.isOver) throw outOfTime(error, isAtWork ? this.#suspects.ranOutOfTime(changes) : 0);
          lost = isAtWork && isLost(error) ? lost + 1 : 0;
          failure = error;
          const isAsked = lost >= TRIES_TOGETHER && changes.length === 1;
          if (begun >= TRIES_TOGETHER && hasOthers && !isAsked) {
            throw new TooOften(textOf(error), { cause: error });
          }
          this.events.retried();
          const most = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt, 10));
          await limit.sleep(most * (1 + Math.random()) / 2);
          continue;
        }
      }
      this.events.committed(outcomes.reduce<number>(addRows, 0));
      return outcomes;
    }
  }

  /** Rolls back, or gives up a connection that is of no use any more. */
  async #abandon(session: Session, error: unknown): Promise<void> {
    if (isLost(error)) return this.link.drop(session, error);
    try {
      await session.rollback();
    } catch (second) {
      this.link.drop(session, second);
    }
  }

  /** Whether the transaction is in the database whose COMMIT was not answered. Throws OutcomeUnknown. */
  async #wasCommitted(failure: unknown, limit: TimeLimit): Promise<boolean> {
    if (this.ledger === null) return false;
    const unknown = (why: string) =>
      new OutcomeUnknown(
        `the connection was lost during the COMMIT (${
          textOf(failure)
        }) and ${why}: it may be written, or not`,
      );
    for (;;) {
      let session: Session;
      try {
        session = await this.link.session(limit);
      } catch (error) {
        throw unknown(`could not be made again in time (${textOf(error)})`);
      }
      using _ = limit.destroys(session);
      let answer: boolean | undefined;
      try {
        answer = await this.ledger.wasCommitted(session);
      } catch (error) {
        await this.#abandon(session, error);
        await limit.sleep(FIRST_BACKOFF_MS);
        continue;
      }
      if (answer === undefined) throw unknown("mevent_writers does not tell");
      return answer;
    }
  }
}

/** Waits for the end of both, whatever they end with; throws the first one's error before the other's. */
async function both(...work: [Promise<void>, Promise<void> | undefined]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}

function isForHalves(error: unknown): error is TooOften {
  return error instanceof TooOften;
}

/** Whether one of the changes may be the cause. */
function isForEach(error: unknown): error is DatabaseError {
  return isOfOne(error) && !(error instanceof Altered);
}

/** The connection was ended because the time was: what it said of that does not help. */
function outOfTime(error: unknown, tries: number): OutOfTime {
  return new OutOfTime(`nothing was written, the time for it was over (${textOf(error)})`, tries);
}

function addRows(sum: number, outcome: Outcome): number {
  return typeof outcome === "number" ? sum + outcome : sum;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
