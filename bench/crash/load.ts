import { setTimeout as pause } from "node:timers/promises";
import { type ControlClient, RefusedError } from "../../src/cli/control/client.ts";
import { asServerStats } from "../../src/cli/stats/report.ts";
import { Connection, encodeBody, Encoding } from "../../src/client/mod.ts";
import type { PluginStats } from "../../src/observe/server_stats.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import type { Random } from "../fuzz/random.ts";
import type { Account } from "./account.ts";
import type { DurableServer } from "./durable_server.ts";

/** Callers who each wait for their acknowledgement before they send the next. */
const CALLERS = 16;
/** Of them so many by UDP, where who is killed answers nothing; beside them so many who are never answered. */
const BY_UDP = 3;
const SILENT = 2;
/** So long a caller by UDP waits, and one who is not answered rests, in ms. */
const UDP_MS = 10_000;
const REST_MS = 4;
/** Between two looks of the operator, in ms. */
const LOOK_EVERY_MS = 15;
/** Some operations have a text of so many characters at most: files are filled, and made anew. */
const MAX_TEXT = 60_000;
/** The most that a list tells. */
const ALL = 1000;

/** What the callers of a round send: the weights of the commands of the plugin `recorder`. */
const COMMANDS = [1001, 1001, 1001, 1001, 1001, 1001, 1004, 1003, 1005, 1007, 1002];

/** Callers and an operator of the plugin `recorder`, who go on until the server is killed. */
export class Load {
  /** Runs that ended well since the server started, which has counted from nothing then. */
  #done = 0;
  /** Requests that were refused. */
  refused = 0;

  private constructor(
    readonly server: DurableServer,
    readonly plugin: string,
    readonly account: Account,
    readonly random: Random,
    readonly client: Connection,
    readonly udp: Connection,
    readonly control: ControlClient,
  ) {}

  /** Connects to a server that has just started; what ran before was read. */
  static async connect(
    server: DurableServer,
    plugin: string,
    account: Account,
    random: Random,
  ): Promise<Load> {
    const [client, control] = [await server.connect(), await server.control()];
    const udp = await Connection.connect(server.udp, { timeoutMs: UDP_MS });
    return new Load(server, plugin, account, random, client, udp, control);
  }

  /** Sends and steers until the server is gone, with at most so many operations; `reload` are keys to take over meanwhile. */
  async run(most: number, reload: readonly string[]): Promise<void> {
    const each = Math.ceil(most / CALLERS);
    const lanes = Array.from({ length: CALLERS }, (_, lane) => lane);
    const datagrams = lanes.slice(0, BY_UDP).map((lane) => this.#call(each, lane, this.udp));
    const streams = lanes.slice(BY_UDP).map((lane) => this.#call(each, lane, this.client));
    const silent = Array.from({ length: SILENT }, (_, index) => this.#callSilently(each, CALLERS + index));
    await Promise.all([...streams, ...silent, this.#steer(), this.#reload(reload)]);
    await this.udp.close();
    await Promise.all(datagrams);
  }

  /** Lets all end, and holds it against the account. Returns what is wrong. */
  async workOff(patienceMs: number): Promise<string | undefined> {
    const { account } = this;
    const deadline = performance.now() + patienceMs;
    for (;;) {
      await this.#ask({ command: "resume" });
      const { queued, in_flight, delayed, retrying } = await this.#stats();
      if (queued + in_flight + delayed + retrying === 0) break;
      if (performance.now() > deadline) {
        return `not worked off after ${patienceMs} ms: ${queued} queued, ${in_flight} in flight, ${delayed} delayed, ${retrying} retrying`;
      }
      await pause(LOOK_EVERY_MS);
    }
    const { dead, total } = await this.#ask({ command: "peek", dead: true, limit: ALL });
    if (Number(total) > ALL) return `${total} dead letters are more than a list tells`;
    for (const { params } of dead as JsonObject[]) account.sawLetter(tagOf(params));
    this.#readRuns();
    const problem = account.problem();
    if (problem !== undefined) return problem;
    await this.#ask({ command: "purge", dead: true });
    // When that is told to be on the disk, so is all before it.
    await this.#send(this.client, 1001, null, null);
    account.dropLetters();
    return undefined;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.udp.close();
    this.control.close();
  }

  async #call(most: number, lane: number, client: Connection): Promise<void> {
    const { random } = this;
    for (let count = 0; count < most; count++) {
      const key = random.oneIn(8) ? String(random.next()) : null;
      const command = key === null ? random.pick(COMMANDS) : 1001;
      const delay = random.oneIn(6) ? random.below(200) / 1000 : 0;
      if (!await this.#send(client, command, key, lane, delay)) return;
      if (key !== null && !await this.#send(client, command, key, lane)) return;
    }
  }

  /** What is sent there is on the disk, or is not: nobody knows, and what is may still not run twice. */
  async #callSilently(most: number, lane: number): Promise<void> {
    try {
      using connection = await Deno.connect({ transport: "unix", path: this.server.silent });
      const writer = connection.writable.getWriter();
      for (let count = 0; count < most; count++) {
        const command = this.random.pick(COMMANDS);
        const params = { tag: this.account.sent(command, null, command === 1001 ? lane : null), lane };
        const body = encodeBody(Encoding.Json, params);
        await writer.write(
          writeRequest({ id: count, plugin: this.plugin, command, sync: false, body }, true),
        );
        await pause(REST_MS);
      }
    } catch {
      // The server is gone.
    }
  }

  /** False where the server is gone. */
  async #send(
    client: Connection,
    command: number,
    key: string | null,
    lane: number | null,
    delay = 0,
  ): Promise<boolean> {
    const { account, random } = this;
    const isInOrder = command === 1001 && key === null && delay === 0;
    const tag = account.sent(command, key, isInOrder ? lane : null);
    const { seen } = account;
    const params = {
      tag,
      lane: lane ?? 0,
      ...key === null ? {} : { "mevent.key": key },
      ...delay === 0 ? {} : { "mevent.delay": delay },
      ...random.oneIn(6) ? { text: "x".repeat(random.below(MAX_TEXT)) } : {},
    };
    let code: number;
    try {
      ({ code } = await client.request(this.plugin, command, params, { sync: false }));
    } catch {
      return false;
    }
    if (code !== 1000) this.refused++;
    else {
      account.acknowledge(tag);
      // A duplicate is told of another one's record.
      if (key === null) account.synced(seen);
    }
    return true;
  }

  /** Looks, cancels, retries dead letters, pauses. */
  async #steer(): Promise<void> {
    const { account, random } = this;
    try {
      for (;;) {
        await pause(LOOK_EVERY_MS);
        await this.#sawDone();
        const { operations } = await this.#ask({ command: "peek", limit: 20 });
        const { id, params } = random.pick(operations as JsonObject[]) ?? {};
        if (id !== undefined && random.oneIn(2) && !isKeyed(params)) {
          account.mayCancel(tagOf(params));
          await this.#ask({ command: "cancel", id }).catch(unlessRefused);
        }
        if (random.oneIn(8)) await this.#retry();
        if (random.oneIn(20)) await this.#ask({ command: "pause" });
        else await this.#ask({ command: "resume" });
      }
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      // The server is gone.
    }
  }

  async #retry(): Promise<void> {
    const { dead } = await this.#ask({ command: "peek", dead: true, limit: 1 });
    const [letter] = dead as JsonObject[];
    if (letter === undefined) return;
    this.account.mayRetry(tagOf(letter["params"]));
    await this.#ask({ command: "retry-dead", id: letter["id"]! }).catch(unlessRefused);
  }

  /** What has run well and is known to the server to have ended. */
  async #sawDone(): Promise<void> {
    const done = this.#readRuns();
    while ((await this.#stats()).done < this.#done) await pause(1);
    this.account.sawDone(done);
  }

  #readRuns(): number[] {
    const { done } = this.account.runs.read();
    this.#done += done.length;
    return done;
  }

  async #reload(keys: readonly string[]): Promise<void> {
    await pause(this.random.below(100));
    try {
      using control = await this.server.control();
      await this.server.reload(control, this.plugin, keys);
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      // The server is gone.
    }
  }

  async #stats(): Promise<PluginStats> {
    const { plugins } = asServerStats(await this.control.call({ command: "stats" }));
    const found = plugins.find(({ name }) => name === this.plugin);
    if (found === undefined) throw new Error(`the server has no plugin ${this.plugin}`);
    return found;
  }

  async #ask(request: JsonObject): Promise<JsonObject> {
    return await this.control.call({ ...request, plugin: this.plugin }) as JsonObject;
  }
}

/** Long params are shown as the beginning of their text. */
function textOf(params: JsonValue | undefined): string {
  return typeof params === "string" ? params : JSON.stringify(params);
}

function tagOf(params: JsonValue | undefined): number {
  return Number(/"tag":(\d+)/.exec(textOf(params))?.[1]);
}

function isKeyed(params: JsonValue | undefined): boolean {
  return textOf(params).includes('"mevent.key"');
}

function unlessRefused(error: unknown): null {
  if (error instanceof RefusedError) return null;
  throw error;
}
