import type { SharedLoad } from "./load_connection.ts";
import type { LoadPlan } from "./plan.ts";
import { type LoadSockets, openSockets } from "./sockets.ts";
import { LoadTally } from "./tally.ts";

/** How often it is looked whether the time is over, in ms. */
const LOOK_EVERY_MS = 20;

/**
 * A load while it runs.
 *
 * ```
 * sending ──time over, count reached──► waiting for what is unanswered ──none left, no reply for timeoutMs──► ended
 *    └───────────────────────────stop(), all connections lost────────────────────────────────────────────────▲
 * ```
 */
export class LoadRun implements SharedLoad {
  readonly tally = new LoadTally();
  /** Whether {@link stop} ended it. */
  interrupted = false;
  readonly #over = Promise.withResolvers<void>();
  #sockets: LoadSockets = { connections: [], serve: (over) => over };
  #open = 0;
  #startedAt = 0;
  #lastReplyAt = 0;
  #lastSentAt = 0;
  #state: "sending" | "ended" = "sending";

  private constructor(readonly plan: LoadPlan) {}

  /** Opens the connections, all or none; {@link finish} closes them. Throws ConnectError. */
  static async connect(plan: LoadPlan): Promise<LoadRun> {
    const run = new LoadRun(plan);
    run.#sockets = await openSockets(plan, run);
    run.#open = run.#sockets.connections.length;
    return run;
  }

  /** Sends until it has ended; the tally is whole then, and the connections are closed. */
  async finish(): Promise<void> {
    this.#startedAt = this.#lastReplyAt = this.#lastSentAt = performance.now();
    const timer = setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS);
    for (const connection of this.#sockets.connections) connection.start();
    await this.#sockets.serve(this.#over.promise);
    clearInterval(timer);
  }

  /** Ends it now. What is unanswered stays so. */
  stop(): void {
    if (this.#state === "sending") this.interrupted = true;
    this.#end();
  }

  /** From the start to the last reply, in ms; while it runs, to now. */
  get elapsedMs(): number {
    if (this.#state === "sending") return performance.now() - this.#startedAt;
    return (this.tally.replies > 0 ? this.#lastReplyAt : this.#lastSentAt) - this.#startedAt;
  }

  /** Replies a connection: the fewest, the mean and the most. */
  get shares(): { least: number; mean: number; most: number } {
    const replies = this.#sockets.connections.map((connection) => connection.replies);
    const mean = this.tally.replies / Math.max(1, replies.length);
    return { least: Math.min(...replies), mean, most: Math.max(...replies) };
  }

  grant(wanted: number, now: number): number {
    const { count, durationMs } = this.plan;
    if (wanted === 0 || this.#state === "ended" || now - this.#startedAt >= durationMs) return 0;
    const granted = Math.min(wanted, count - this.tally.sent);
    this.tally.sent += granted;
    this.#lastSentAt = now;
    return granted;
  }

  answered(now: number): void {
    this.#lastReplyAt = now;
    if (this.tally.outstanding === 0) this.#look(now);
  }

  lost(unanswered: number): void {
    this.tally.lost += unanswered;
    this.#open--;
    if (this.#open === 0) this.#end();
    else this.#look(performance.now());
  }

  #look(now: number): void {
    const { count, durationMs, timeoutMs } = this.plan;
    if (this.tally.sent < count && now - this.#startedAt < durationMs) return;
    const isSilent = now - Math.max(this.#lastReplyAt, this.#lastSentAt) > timeoutMs;
    if (this.tally.outstanding === 0 || isSilent) this.#end();
  }

  #end(): void {
    this.#state = "ended";
    this.#over.resolve();
  }
}
