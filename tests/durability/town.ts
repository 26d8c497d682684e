import { assert } from "@std/assert";
import { setTimeout as pause } from "node:timers/promises";
import { DurableServer } from "../../bench/crash/durable_server.ts";
import { type Inhabitant, World } from "./world.ts";

const COMMON = ['max_delay = "1m"', 'dedup = { window = "1m" }', "dead = { max_ops = 100_000 }"];

function inhabitant(
  name: string,
  maxAttempts: number,
  keys: readonly string[],
  { isOrdered = false, isExact = true } = {},
): Inhabitant {
  const retry = `retry = { max_attempts = ${maxAttempts}, backoff = "1ms", max_backoff = "4ms" }`;
  return { name, maxAttempts, keys: [...COMMON, retry, ...keys], isOrdered, isExact };
}

const INHABITANTS: readonly Inhabitant[] = [
  inhabitant("ordered", 3, ["concurrency = 1"], { isOrdered: true }),
  inhabitant("wide", 2, ["concurrency = 4", "workers = 2"]),
  inhabitant("affine", 1, ["concurrency = 2", "workers = 2", 'affinity = "tag"', 'ttl = "40ms"']),
  inhabitant("child", 2, ["concurrency = 4", 'isolation = "process"', "queue = { max_ops = 30 }"], {
    isExact: false,
  }),
];

/** A server with plugins of several kinds, and a world around each. */
export class Town implements AsyncDisposable {
  private constructor(
    readonly kind: "memory" | "journal",
    readonly server: DurableServer,
    readonly worlds: readonly World[],
  ) {}

  static async start(kind: "memory" | "journal"): Promise<Town> {
    const keys = kind === "memory" ? [] : [`durability = "${kind}"`];
    const inhabitants = INHABITANTS.map((each) => ({ ...each, keys: [...each.keys, ...keys] }));
    const server = await DurableServer.create(inhabitants);
    const town = new Town(kind, server, inhabitants.map((each) => new World(server, each)));
    try {
      await server.start();
      await Promise.all(town.worlds.map((world) => world.connect()));
      return town;
    } catch (error) {
      await town[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ends the server after so many ms of walks in its worlds, which end with it, and starts it on what it has left. */
  async endAndStart(
    signal: "KILL" | "TERM",
    afterMs: number,
    walks: readonly Promise<void>[],
  ): Promise<void> {
    const walked = Promise.allSettled(walks);
    await pause(afterMs);
    if (signal === "KILL") await this.server.kill();
    else {
      for (const world of this.worlds) world.isGivenUp = this.kind === "memory";
      const code = await this.server.terminate();
      assert(code <= 1, `told to stop, the server ended with ${code}: ${this.server.said}`);
    }
    for (const walk of await walked) if (walk.status === "rejected") throw walk.reason;
    for (const world of this.worlds) {
      if (this.kind === "memory") await world.forgot();
      else await (signal === "KILL" ? world.died() : world.stopped());
    }
    await this.server.start();
    await Promise.all(this.worlds.map((world) => world.connect()));
    await Promise.all(this.worlds.map((world) => world.look()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.worlds.map((world) => world.close()));
    await this.server[Symbol.asyncDispose]();
  }
}
