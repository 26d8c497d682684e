import { type Database, DatabaseError, isFault, type Session } from "./database.ts";
import type { TimeLimit } from "./time_limit.ts";

/** Before the second attempt to connect, doubled each time; in ms. */
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1000;

export interface LinkEvents {
  /** The connection was there, and is not any more. */
  lost(why: string): void;
  /** It is there again. */
  reconnected(): void;
}

/** One connection that is made anew when it is lost. */
export class Link {
  #session: Session | null = null;
  #wasOpen = false;
  #failure = "it was never connected";

  constructor(
    readonly database: Database,
    readonly events: LinkEvents,
    /** What a new connection needs before it is used. */
    readonly prepare: (session: Session) => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Connects for the first time, in one attempt; `first` is done before the rest. Throws what the database says. */
  async open(first: (session: Session) => Promise<void>): Promise<Session> {
    this.#session = await this.#connect(undefined, first);
    this.#wasOpen = true;
    return this.#session;
  }

  /** The connection; where there is none, it tries until the time is over. Throws DatabaseError `lost` when it is. */
  async session(limit: TimeLimit): Promise<Session> {
    for (let attempt = 0;; attempt++) {
      if (limit.isOver) {
        const why = this.#session === null
          ? `${this.database.place} cannot be reached: ${this.#failure}`
          : "the time was over before it began";
        throw new DatabaseError("lost", why);
      }
      if (this.#session !== null) return this.#session;
      try {
        this.#session = await this.#connect(limit);
        if (this.#wasOpen) this.events.reconnected();
        this.#wasOpen = true;
      } catch (error) {
        this.#failure = messageOf(error);
        const most = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt, 10));
        await limit.sleep(most * (1 + Math.random()) / 2);
      }
    }
  }

  /** Why there is no connection; undefined while there is one. */
  get failure(): string | undefined {
    return this.#session === null ? this.#failure : undefined;
  }

  /** The connection, if there is one. */
  get current(): Session | null {
    return this.#session;
  }

  /** Gives a connection up that has failed. */
  drop(session: Session, why: unknown): void {
    session.destroy();
    if (this.#session !== session) return;
    this.#session = null;
    this.#failure = messageOf(why);
    this.events.lost(this.#failure);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close();
  }

  /** What comes when the time is over is ended at once. */
  async #connect(limit?: TimeLimit, first?: (session: Session) => Promise<void>): Promise<Session> {
    const connecting = this.#connectNow(limit, first);
    if (limit === undefined) return await connecting;
    const over = limit.ends();
    const session = await Promise.race([connecting, over.promise]).finally(() => over.forget());
    if (session !== undefined) return session;
    connecting.then((late) => late.destroy(), () => {});
    throw new DatabaseError("lost", `${this.database.place} does not answer`);
  }

  async #connectNow(limit?: TimeLimit, first?: (session: Session) => Promise<void>): Promise<Session> {
    const session = await this.database.open();
    using _ = limit?.destroys(session);
    try {
      await first?.(session);
      await this.prepare(session);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a connection is of no use any more after that error. */
export function isLost(error: unknown): boolean {
  return !(error instanceof DatabaseError) || isFault(error, "lost");
}
