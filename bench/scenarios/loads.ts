import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "../../src/client/mod.ts";
import type { Loadgen, LoadResult, RunningLoad } from "../loadgen.ts";
import type { MeventServer } from "../support/mevent_server.ts";
import { pluginStats } from "../support/plugin_stats.ts";

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

/** Between two looks at the queue while it is worked off, in ms. */
const LOOK_EVERY_MS = 50;
/** A million is worked off in this time, or something is wrong; in ms. */
const WORK_OFF_MS = 60_000;

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

  /** Lets the gate's operations through; returns after how many seconds none of them is queued any more. */
  async workOff(): Promise<number> {
    const began = performance.now();
    await this.#openGate();
    while (await this.queued(GATE) > 0) {
      if (performance.now() - began > WORK_OFF_MS) throw new Error("the gate's backlog is not worked off");
      await pause(LOOK_EVERY_MS);
    }
    return (performance.now() - began) / 1000;
  }

  /** Operations of a plugin that no worker has yet. */
  async queued({ plugin }: Target): Promise<number> {
    return (await pluginStats(this.server.port, plugin)).queued;
  }

  async #openGate(): Promise<void> {
    await using client = await Connection.connect({
      transport: "tcp",
      hostname: "127.0.0.1",
      port: this.server.port,
    });
    const { code } = await client.request(GATE.plugin, 101, { cachekey: "open", cacheval: "yes" });
    if (code < 1000) throw new Error(`the gate was not opened: ${code}`);
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
