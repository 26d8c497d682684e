import * as v from "valibot";
import { Client } from "../../src/client/mod.ts";
import type { Loadgen, LoadResult, RunningLoad } from "../loadgen.ts";
import type { MeventServer } from "../support/mevent_server.ts";

/** A plugin's command. */
export interface Target {
  readonly plugin: string;
  readonly command: number;
}

export const ECHO_NOTHING: Target = { plugin: "echo", command: 1002 };
/** Stuck until it is opened. */
export const GATE: Target = { plugin: "gate", command: 1001 };
/** Answered by the main thread at once: it shows how long that thread was busy with something else. */
const STATS: Target = { plugin: "skeleton", command: 1000 };

const Queued = v.object({ plugins: v.array(v.object({ name: v.string(), queued: v.number() })) });

/** The loads that scenarios put on one server, all with 100-byte bodies. */
export class ScenarioLoads {
  constructor(readonly loadgen: Loadgen, readonly server: MeventServer) {}

  /** Sync requests. */
  sync(target: Target, connections: number, depth: number, seconds: number, ...options: string[]) {
    return this.#start("roundtrip", target, { connections, depth, seconds }, options).result;
  }

  /** Async requests, 50 x 16 where nothing else is said, each acknowledged. */
  async(target: Target, seconds: number, connections = 50, depth = 16, ...options: string[]) {
    return this.#start("enqueue", target, { connections, depth, seconds }, options).result;
  }

  /** Queues so many operations, 50 x 16. Throws where one is refused. */
  async fill(target: Target, count: number): Promise<LoadResult> {
    const result = await this.#start("enqueue", target, { connections: 50, depth: 16, count }).result;
    if (result.ok !== count) throw new Error(`${result.ok} of ${count} operations were queued`);
    return result;
  }

  /** Asks the main thread something, one request at a time, until it is ended. */
  probe(): RunningLoad {
    return this.#start("roundtrip", STATS, { connections: 1, depth: 1 });
  }

  /** Gets every code path of the server compiled and its memory to what it keeps. */
  async warmUp(): Promise<void> {
    await this.async(ECHO_NOTHING, 1);
    await this.sync(ECHO_NOTHING, 50, 16, 1);
  }

  /** Lets the gate's operations through. */
  async openGate(): Promise<void> {
    await using client = await this.#connect();
    const { code } = await client.request(GATE.plugin, 101, { cachekey: "open", cacheval: "yes" });
    if (code < 1000) throw new Error(`the gate was not opened: ${code}`);
  }

  /** Operations of a plugin that no worker has yet. */
  async queued({ plugin }: Target): Promise<number> {
    await using client = await this.#connect();
    const { value } = await client.request("Reserve.Stats", 1);
    return v.parse(Queued, value).plugins.find(({ name }) => name === plugin)?.queued ?? 0;
  }

  #connect(): Promise<Client> {
    return Client.connect({ transport: "tcp", hostname: "127.0.0.1", port: this.server.port });
  }

  #start(
    mode: "enqueue" | "roundtrip",
    { plugin, command }: Target,
    size: { connections: number; depth: number; seconds?: number; count?: number },
    options: readonly string[] = [],
  ): RunningLoad {
    const target = ["--proto", "mevent", "--mode", mode, "--plugin", plugin, "--cmd", String(command)];
    return this.loadgen.start({ port: this.server.port, ...size, options: [...target, ...options] });
  }
}
