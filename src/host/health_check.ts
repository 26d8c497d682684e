import type { Plugin, PluginContext } from "../plugin.ts";
import type { LostTime } from "../lost_time.ts";
import type { HostSetup } from "../ring/messages.ts";
import { cut, textOf } from "../text_of.ts";

/** Longest sentence that says what is wrong, in UTF-16 units. */
const MAX_PROBLEM = 4096;

/** Asks a plugin whether its worker can do its work, again and again, and tells where that changes. */
export class HealthCheck {
  #isHealthy = true;
  #timer: number | undefined;
  #isStopped = false;
  /** Ends when what was asked last has really ended. */
  #asked: Promise<void> = Promise.resolve();

  constructor(
    readonly plugin: Pick<Plugin, "health">,
    readonly context: PluginContext,
    readonly limits: Pick<HostSetup, "healthInterval" | "timeout">,
    /** What is wrong, or null where nothing is any more. */
    readonly tell: (problem: string | null) => void,
    readonly lost: Pick<LostTime, "after">,
  ) {}

  /** Throws what the plugin throws; and where it takes longer than the plugin's time-out. */
  async ask(): Promise<void> {
    if (this.plugin.health === undefined) return;
    const { timeout } = this.limits;
    const answer = this.#answer();
    this.#asked = answer.catch(() => {});
    const late = Promise.withResolvers<never>();
    const error = new Error(`health took longer than the time-out of ${timeout} ms`);
    const cancel = this.lost.after(timeout, () => late.reject(error));
    try {
      await Promise.race([answer, late.promise]);
    } finally {
      cancel();
    }
  }

  /** Asks every so often from now on. */
  start(): void {
    const { healthInterval } = this.limits;
    if (this.plugin.health === undefined || healthInterval === 0 || this.#isStopped) return;
    this.#timer = setTimeout(() => this.#look(), healthInterval);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #answer(): Promise<void> {
    await this.plugin.health!(this.context);
  }

  async #look(): Promise<void> {
    let problem: string | null = null;
    try {
      await this.ask();
    } catch (error) {
      problem = cut(textOf(error), MAX_PROBLEM);
    }
    if (this.#isStopped) return;
    if (this.#isHealthy !== (problem === null)) this.tell(problem);
    this.#isHealthy = problem === null;
    await this.#asked;
    this.start();
  }
}
