import { assert } from "@std/assert";
import type { DurableServer } from "../../bench/crash/durable_server.ts";
import { Runs } from "../../bench/crash/runs.ts";
import { RefusedError } from "../../src/cli/control/client.ts";
import { type Answer, ConnectError, type Connection, ConnectionLostError } from "../../src/client/mod.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { until } from "../support/until.ts";
import { Model } from "./model.ts";
import type { Look, Operation } from "./operation.ts";
import { MARK, PluginWatch } from "./plugin_watch.ts";
import type { Step } from "./steps.ts";

/** On a machine with much else to do, too; in ms. */
const SETTLE_MS = 60_000;

/** A plugin of a server and how it is configured. */
export interface Inhabitant {
  readonly name: string;
  readonly keys: readonly string[];
  readonly maxAttempts: number;
  /** What comes first begins first. */
  readonly isOrdered: boolean;
  /** `peek` tells for sure what has begun. */
  readonly isExact: boolean;
}

/** One plugin of a real server, its callers and operators, and the model beside it. */
export class World {
  readonly runs: Runs;
  model: Model;
  #client: Connection | undefined;
  #watch: PluginWatch | undefined;
  #replies: Promise<void>[] = [];
  #tag = 0;
  #history = 0;
  /** The server was told to stop, and gives up what its memory holds: it may still answer, and knows nothing of that any more. */
  isGivenUp = false;
  #isPaused = false;
  /** The tags of what ran at the look before, where the plugin was paused then, too. */
  #running: ReadonlySet<number> | undefined;
  /** Of the figures when the history began. */
  #base: JsonObject = {};
  /** What has been done, for who reads of a failure. */
  readonly #told: string[] = [];

  constructor(readonly server: DurableServer, readonly plugin: Inhabitant) {
    this.runs = new Runs(server.runsOf(plugin.name));
    this.model = new Model(this.runs);
  }

  /** Connects to a server that has started. */
  async connect(): Promise<void> {
    this.#client = await this.server.connect();
    this.#watch = new PluginWatch(await this.server.control(), this.plugin.name, this.runs);
    this.#isPaused = false;
    this.isGivenUp = false;
    this.#running = undefined;
  }

  /** Begins with nothing held. */
  async begin(): Promise<void> {
    this.#forget();
    this.#history++;
    this.#told.length = 0;
    this.#base = await this.#watch!.figures();
  }

  /** Takes a step and looks. Returns false where the server died meanwhile. */
  async step(step: Step): Promise<boolean> {
    this.#told.push(JSON.stringify(step));
    try {
      await this.#take(step);
      await this.#check();
      return true;
    } catch (error) {
      if (error instanceof ConnectionLostError || error instanceof ConnectError) return false;
      // It is about to end, and does nothing more.
      if (error instanceof RefusedError && /\b(stop|drain|closed)/.test(error.message)) return false;
      if (this.isGivenUp) return false;
      throw this.#explained(error);
    }
  }

  /** Takes the steps, as far as the server lives. */
  async walk(steps: readonly Step[]): Promise<void> {
    for (const step of steps) if (!await this.step(step)) return;
  }

  /** The server was killed; call it when nothing of it runs any more. */
  async died(): Promise<void> {
    await this.#disconnect();
    this.runs.read();
    this.#told.push("killed");
    this.model.crashed();
  }

  /** It was told to stop, and has. */
  async stopped(): Promise<void> {
    await this.#disconnect();
    this.#told.push("stopped");
    try {
      this.runs.read();
      this.model.stopped();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** The queue was memory and is gone with its server. */
  async forgot(): Promise<void> {
    await this.#disconnect();
    this.#told.push("its queue is gone");
    this.#base = {};
    this.#forget();
  }

  /** Looks without a step: after a start. */
  async look(): Promise<void> {
    try {
      await this.#check();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Lets all end, and holds it against the model. */
  async finish(): Promise<void> {
    try {
      await this.#watch!.ask({ command: "resume" });
      this.#isPaused = false;
      const deadline = performance.now() + SETTLE_MS;
      for (;;) {
        const look = await this.#check();
        if (look.isWhole && look.open.length === 0) break;
        assert(performance.now() < deadline, `it does not end: ${JSON.stringify(look.open)}`);
        for (const { id, tag, state } of look.open) if (state === "running") await this.#endHanging(id, tag);
      }
      await Promise.all(this.#replies.splice(0));
      await this.#check();
      this.model.finish(this.plugin.maxAttempts);
      this.#checkSums(await this.#watch!.figures());
      if (this.plugin.isOrdered) this.#checkOrder();
      await this.#watch!.ask({ command: "purge", dead: true });
      await this.#markEnd();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** When an operation is told to be on the disk, so is all of the history that ends: nothing of it comes into the next. */
  async #markEnd(): Promise<void> {
    const { code } = await this.#client!.request(this.plugin.name, 1001, { tag: MARK }, { sync: false });
    assert(code === 1000, `an async caller was told ${code}`);
    await until("the mark has run", async () => {
      const { accepted, done, failed, cancelled, expired } = await this.#watch!.figures();
      return Number(accepted) === Number(done) + Number(failed) + Number(cancelled) + Number(expired);
    }, SETTLE_MS);
    // It may have waited for longer than the ttl.
    await this.#watch!.ask({ command: "purge", dead: true });
  }

  async close(): Promise<void> {
    await this.#disconnect();
    this.runs[Symbol.dispose]();
  }

  async #take(step: Step): Promise<void> {
    const { model } = this;
    switch (step.do) {
      case "send":
        return await this.#send(step);
      case "pause":
        await this.#watch!.ask({ command: "pause" });
        this.#running = undefined;
        this.#isPaused = true;
        return;
      case "resume":
        this.#isPaused = false;
        await this.#watch!.ask({ command: "resume" });
        return;
      case "cancel": {
        const { open } = await this.#check();
        const chosen = open[step.index % Math.max(open.length, 1)];
        if (chosen !== undefined) await this.#cancel(chosen.id, chosen.tag);
        return;
      }
      case "purge":
        model.mayCancel();
        await this.#watch!.ask({ command: "purge" });
        return;
      case "retry": {
        const { letters } = await this.#check();
        const limit = step.index % 5 + 1;
        const chosen = letters.slice(0, limit);
        if (chosen.length < limit || this.#watch!.hasMarks) return;
        model.mayTake(chosen, true);
        const { retried } = await this.#watch!.ask({ command: "retry-dead", limit });
        model.taken(chosen, true, Number(retried));
        return;
      }
      case "retry one":
      case "forget one": {
        const { letters } = await this.#check();
        const chosen = letters[step.index % Math.max(letters.length, 1)];
        if (chosen === undefined) return;
        const isRetry = step.do === "retry one";
        model.mayTake([chosen], isRetry);
        const request = isRetry ? { command: "retry-dead" } : { command: "purge", dead: true };
        const count = await this.#watch!.unlessRefused({ ...request, id: chosen.id });
        model.taken([chosen], isRetry, count === null ? 0 : 1);
        return;
      }
      case "wait": {
        let looks = 0;
        if (!this.#isPaused) {
          await until(
            "some of it has ended",
            async () => (await this.#check()).open.length === 0 || looks++ > 3,
          );
        }
        return;
      }
      case "rebound":
      case "renew": {
        const key = step.do === "renew" ? `timeout = "${30 + step.index}s"` : "";
        const queue = `queue = { max_ops = ${100 + step.index} }`;
        const keys = this.plugin.keys.filter((each) => !each.startsWith("queue"));
        await this.server.reload(this.#watch!.control, this.plugin.name, [...keys, queue, key]);
        return;
      }
    }
  }

  async #send({ command, sync, key, delay, count }: Extract<Step, { do: "send" }>): Promise<void> {
    // One that does not end by itself is enough: others wait behind it.
    const times = command === 1006 || key !== null ? 1 : count;
    const waits: Promise<unknown>[] = [];
    for (let sent = 0; sent < times; sent++) {
      const tag = ++this.#tag;
      const params = {
        tag,
        ...key === null ? {} : { "mevent.key": `${this.#history}${key}` },
        ...sync || delay === 0 ? {} : { "mevent.delay": delay },
      };
      const before = key === null ? {} : await this.#quietFigures();
      const operation = this.model.send({ tag, command, sync, key, delayed: !sync && delay > 0 });
      const reply = this.#client!.request(this.plugin.name, command, params, { sync });
      const replied = this.#replied(operation, reply);
      if (sync) this.#replies.push(replied);
      if (key !== null) waits.push(this.#keyed(operation, before, replied));
      else if (!sync) waits.push(replied);
    }
    await Promise.all(waits);
  }

  /** Notes what its caller is told. */
  async #replied(operation: Operation, reply: Promise<Answer>): Promise<void> {
    const { model } = this;
    let answer: Answer;
    try {
      answer = await reply;
    } catch {
      // The server has died; what is looked at next tells.
      return model.lost(operation);
    }
    const { code, value } = answer;
    const { sync, key } = operation;
    const isBusy = code === 21 && !JSON.stringify(value).includes("ttl");
    if (isBusy) return model.refused(operation);
    if (sync) operation.code = code;
    else assert(code === 1000, `an async caller was told ${code}: ${JSON.stringify(value)}`);
    if (key === null) model.accepted(operation);
  }

  /** The figures when no operation waits for the disk: what is accepted from then on was sent from then on. */
  async #quietFigures(): Promise<JsonObject> {
    let figures: JsonObject = {};
    await until("nothing waits for the disk", async () => {
      figures = await this.#watch!.figures();
      const { journal } = figures as { readonly journal?: { readonly unsynced: number } | null };
      return (journal?.unsynced ?? 0) === 0;
    }, SETTLE_MS);
    return figures;
  }

  /** Finds out whether it is the first with its key. */
  async #keyed(operation: Operation, before: JsonObject, replied: Promise<void>): Promise<void> {
    if (!operation.sync) await replied;
    await until("a request with a key has come", async () => {
      if (operation.told !== "nothing") return true;
      const { accepted, deduplicated } = await this.#watch!.figures();
      if (Number(accepted) > Number(before["accepted"])) this.model.accepted(operation);
      else if (Number(deduplicated) > Number(before["deduplicated"])) this.model.duplicated(operation);
      else return false;
      return true;
    }, SETTLE_MS);
  }

  async #cancel(id: number, tag: number): Promise<void> {
    this.model.mayCancel(tag);
    const answer = await this.#watch!.unlessRefused({ command: "cancel", id });
    if (answer?.["outcome"] === "cancelled") this.model.cancelled(tag);
  }

  async #endHanging(id: number, tag: number): Promise<void> {
    if (this.model.of(tag).command === 1006) await this.#cancel(id, tag);
  }

  async #check(): Promise<Look> {
    const wasPaused = this.#isPaused;
    const look = await this.#watch!.look();
    this.model.check(look);
    if (wasPaused && this.#running !== undefined && this.plugin.isExact) {
      for (const tag of look.begun) assert(this.#running.has(tag), `the plugin is paused, and ${tag} begins`);
    }
    const running = look.open.filter(({ state }) => state === "running").map(({ tag }) => tag);
    this.#running = wasPaused ? new Set(running) : undefined;
    return look;
  }

  /** The figures count what the model counts. */
  #checkSums(figures: JsonObject): void {
    if (this.model.crashes > 0 || this.#told.includes("stopped")) return;
    const operations = [...this.model.operations.values()];
    const sum = (of: (operation: Operation) => number) =>
      operations.reduce((total, each) => total + of(each), 0);
    const grown = (name: string) => Number(figures[name]) - Number(this.#base[name] ?? 0);
    const expected = {
      accepted: sum(({ lives }) => lives),
      done: sum(({ tag }) => this.runs.of(tag).done),
      deduplicated: sum(({ told }) => Number(told === "a duplicate")),
    };
    for (const [name, count] of Object.entries(expected)) {
      assert(grown(name) === count, `the server counts ${grown(name)} as ${name}, the model ${count}`);
    }
    const most = sum(({ touched }) => touched);
    assert(grown("cancelled") <= most, `${grown("cancelled")} were cancelled, of ${most} that may have been`);
  }

  #checkOrder(): void {
    let last = 0;
    for (const tag of this.runs.order) {
      if (tag === MARK) continue;
      const { sync, delayed, command } = this.model.of(tag);
      if (sync || delayed || command === 1007) continue;
      assert(tag > last, `${tag} began after ${last}: ${this.runs.order.join(" ")}`);
      last = tag;
    }
  }

  #forget(): void {
    this.runs.clear();
    this.model = new Model(this.runs);
  }

  async #disconnect(): Promise<void> {
    await this.#client?.close();
    this.#watch?.control.close();
    await Promise.all(this.#replies.splice(0));
  }

  #explained(error: unknown): Error {
    const steps = this.#told.map((step) => `  ${step}`).join("\n");
    const message = error instanceof Error ? error.message : String(error);
    return new Error(
      `plugin ${this.plugin.name}: ${message}\nafter\n${steps}\nthe server has said: ${this.server.said}`,
      {
        cause: error,
      },
    );
  }
}
