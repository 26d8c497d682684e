import { dial } from "./stream_link.ts";
import { describeAddress } from "./address.ts";
import { ConnectError, messageOf } from "./errors.ts";
import { LoadConnection } from "./load_connection.ts";
import type { LoadPlan } from "./load_plan.ts";
import { LoadTally } from "./load_tally.ts";

/** How often it is looked whether the time is over, in ms. */
const LOOK_EVERY_MS = 20;
/** Connections opened at a time: more at once overflow a server's backlog. */
const DIAL_BATCH = 64;

/**
 * A load while it runs.
 *
 * ```
 * sending ──time over, count reached──► waiting for what is unanswered ──none left, no reply for timeoutMs──► ended
 *    └───────────────────────────stop(), all connections lost────────────────────────────────────────────────▲
 * ```
 */
export class LoadRun {
  readonly tally = new LoadTally();
  /** Whether {@link stop} ended it. */
  interrupted = false;
  readonly #connections: readonly LoadConnection[];
  readonly #over = Promise.withResolvers<void>();
  #open: number;
  #startedAt = 0;
  #lastReplyAt = 0;
  #lastSentAt = 0;
  #sending = true;

  private constructor(readonly plan: LoadPlan, conns: readonly Deno.Conn[]) {
    this.#connections = conns.map((conn) => new LoadConnection(conn, this));
    this.#open = conns.length;
  }

  /** Opens the connections, all or none. Throws ConnectError. */
  static async connect(plan: LoadPlan): Promise<LoadRun> {
    const conns: Deno.Conn[] = [];
    while (conns.length < plan.connections) {
      const wanted = Math.min(DIAL_BATCH, plan.connections - conns.length);
      const results = await Promise.allSettled(
        Array.from({ length: wanted }, () => dial(plan.address, plan.timeoutMs)),
      );
      for (const result of results) if (result.status === "fulfilled") conns.push(result.value);
      for (const result of results) {
        if (result.status === "fulfilled") continue;
        for (const conn of conns) conn.close();
        const where = describeAddress(plan.address);
        throw new ConnectError(`cannot reach ${where}: ${messageOf(result.reason)}`, {
          cause: result.reason,
        });
      }
    }
    return new LoadRun(plan, conns);
  }

  /** Sends, until it has ended; the tally is whole then, and the connections are closed. */
  async finish(): Promise<LoadTally> {
    this.#startedAt = this.#lastReplyAt = this.#lastSentAt = performance.now();
    const timer = setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS);
    const reading = this.#connections.map((connection) => connection.read());
    await this.#over.promise;
    clearInterval(timer);
    for (const connection of this.#connections) connection.close();
    await Promise.all(reading);
    return this.tally;
  }

  /** Ends it now. What is unanswered stays so. */
  stop(): void {
    this.interrupted = true;
    this.#end();
  }

  /** From the start to the last reply, in ms; while it runs, to now. */
  get elapsedMs(): number {
    if (this.#sending) return performance.now() - this.#startedAt;
    return (this.tally.replies > 0 ? this.#lastReplyAt : this.#lastSentAt) - this.#startedAt;
  }

  /** How many of so many wanted requests may leave now; they count as sent. */
  grant(wanted: number, now: number): number {
    const { count, durationMs } = this.plan;
    if (!this.#sending || now - this.#startedAt >= durationMs) return 0;
    const granted = Math.min(wanted, count - this.tally.sent);
    this.tally.sent += granted;
    if (granted > 0) this.#lastSentAt = now;
    return granted;
  }

  /** A connection has counted the replies of one read. */
  answered(now: number): void {
    this.#lastReplyAt = now;
    if (this.tally.outstanding === 0) this.#look(now);
  }

  /** A connection has ended with so many requests unanswered. */
  lost(unanswered: number): void {
    this.tally.lost += unanswered;
    this.#open--;
    if (this.#open === 0) this.#end();
    else this.#look(performance.now());
  }

  #look(now: number): void {
    const { count, durationMs, timeoutMs } = this.plan;
    const isSent = this.tally.sent >= count || now - this.#startedAt >= durationMs;
    if (!isSent) return;
    const isSilent = now - Math.max(this.#lastReplyAt, this.#lastSentAt) > timeoutMs;
    if (this.tally.outstanding === 0 || isSilent) this.#end();
  }

  #end(): void {
    this.#sending = false;
    this.#over.resolve();
  }
}
