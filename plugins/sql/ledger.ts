import { DatabaseError, isFault, type LedgerText, type Session } from "./database.ts";

/**
 * This writer's row in `mevent_writers`: the number of the last batch that it has committed, written in the batch's own
 * transaction. Where the answer to a COMMIT is lost, the row tells whether there was one.
 */
export class Ledger {
  readonly #id = crypto.randomUUID();
  /** Of the batch under way, and of the last one that is known to be committed. */
  #number = 0;
  #committed = 0;

  constructor(readonly text: LedgerText) {}

  /** Makes the table where it is missing. Throws DatabaseError with a sentence where that is not allowed. */
  async create(session: Session): Promise<void> {
    try {
      if (await session.ledger(this.text.isThere, []) === 0) await session.ledger(this.text.create, []);
      await session.ledger(this.text.sweep, []);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.fault === "lost") throw error;
      // Another worker may have made it at the same moment.
      if (!isFault(error, "server") && await session.ledger(this.text.isThere, []) === 1) return;
      throw new DatabaseError(
        "unclear",
        `the table mevent_writers cannot be made or used (${error.message}): make it by hand, \`${this.text.create}\`, with ` +
          "the right to SELECT, INSERT, UPDATE and DELETE, or set exactly_once = false",
        { cause: error },
      );
    }
  }

  /** Makes the writer's row, where it is not there. */
  async open(session: Session): Promise<void> {
    await session.ledger(this.text.open, [this.#id]);
  }

  /** Notes the batch in its own transaction; the row is locked until that has ended. */
  async mark(session: Session): Promise<void> {
    const changed = await session.ledger(this.text.mark, [this.#id, ++this.#number]);
    if (changed !== 1) throw new DatabaseError("lost", "the writer's row in mevent_writers is gone");
  }

  /** The batch that was marked last is committed. */
  committed(): void {
    this.#committed = this.#number;
  }

  /** Whether the batch that was marked last was committed; undefined where the row cannot tell. */
  async wasCommitted(session: Session): Promise<boolean | undefined> {
    const last = await session.ledger(this.text.look, [this.#id]);
    if (last === this.#number) {
      this.committed();
      return true;
    }
    return last === this.#committed ? false : undefined;
  }

  async close(session: Session): Promise<void> {
    await session.ledger(this.text.close, [this.#id]);
  }
}
