import { setTimeout as pause } from "node:timers/promises";
import { asServerStats, fetchStats } from "../../src/cli/stats/report.ts";
import { Connection } from "../../src/client/mod.ts";
import type { Libc } from "../../src/net/libc.ts";
import { Histogram } from "../../src/observe/histogram.ts";
import type { ServerStats } from "../../src/observe/server_stats.ts";
import type { Random } from "../fuzz/random.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import { held, missing } from "./accounts.ts";
import { Callers } from "./callers.ts";
import { BadClients, CLIENT_FAULTS } from "./client_faults.ts";
import { FAULTY, startFaultyServer, type Surroundings } from "./faulty_server.ts";
import { PLUGIN_FAULTS } from "./plugin_faults.ts";
import { Witnesses } from "./witnesses.ts";

/** Rounds without a fault, to measure the undisturbed callers by. */
const CALM_ROUNDS = 60;
const ROUND_MS = 20;
/**
 * All that was accepted is over after so long, in ms: what is left may be more faults, after each of which a worker that has died
 * often waits for a minute.
 */
const SETTLE_MS = 300_000;
const LOOK_EVERY_MS = 20;
/** A server that dies is seen to have ended within so long. */
const ENDING_MS = 500;
const WITNESSES = 2;
/** Deno 2.7.11 leaves so many descriptors open for each Web Worker that has ended, in whatever way. */
const LEFT_BY_A_WORKER = 2;

/** What one server has stood. */
export interface GenerationResult {
  readonly rounds: number;
  /** How often each fault was tried, and the round trips of callers of another plugin meanwhile, in µs. */
  readonly faults: ReadonlyMap<string, FaultTimes>;
  /** The same without any fault. */
  readonly calm: Histogram;
  /** Replies to the callers of the plugins that failed, by code. */
  readonly codes: ReadonlyMap<number, number>;
  readonly accepted: number;
  readonly restarts: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
  readonly failure: string | undefined;
}

export interface FaultTimes {
  rounds: number;
  readonly times: Histogram;
}

/** Something that was not to happen. */
class Fault extends Error {}

/** Starts a server and lets so many rounds of faults come over it. */
export class Generation {
  readonly #faults = new Map<string, FaultTimes>();
  readonly #calm = new Histogram();

  constructor(readonly mevent: string | undefined, readonly libc: Libc, readonly random: Random) {}

  /** @param calmRounds rounds before them without a fault */
  async run(
    rounds: number,
    surroundings: Surroundings,
    calmRounds = CALM_ROUNDS,
  ): Promise<GenerationResult> {
    await using server = await startFaultyServer(this.mevent, surroundings, rounds);
    await using stats = await Connection.connect(server.unix, { timeoutMs: SETTLE_MS });
    const look = async () => asServerStats(await fetchStats(stats));
    await using callers = await Callers.connect(server, this.random);
    let failure: string | undefined;
    let figures = await look();
    let descriptorsBefore = 0;
    let descriptorsAfter = 0;
    let done = 0;
    try {
      {
        await using witnesses = await Witnesses.start(server.tcp, this.random.next(), WITNESSES);
        for (let round = 0; round < calmRounds; round++) await this.#round(callers, look, witnesses);
      }
      descriptorsBefore = server.descriptors;
      {
        await using witnesses = await Witnesses.start(server.tcp, this.random.next(), WITNESSES);
        using clients = new BadClients(this.libc, server, this.random);
        for (; done < rounds; done++) {
          await this.#round(callers, look, witnesses, clients);
          if (server.process.hasEnded) throw new Fault(`the server died: ${server.process.stderr}`);
        }
      }
      figures = await this.#settled(look, callers);
      const restarts = figures.plugins.reduce((sum, plugin) => sum + plugin.restarts, 0);
      descriptorsAfter = await closed(server, descriptorsBefore + restarts * LEFT_BY_A_WORKER);
      await this.#stop(server, callers);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      // A connection that is lost is the first sign of its end.
      await pause(ENDING_MS);
      if (server.process.hasEnded) failure += `; the server said: ${server.process.stderr}`;
    }
    const faulty = figures.plugins.filter(({ name }) => FAULTY.includes(name));
    return {
      rounds: done,
      faults: this.#faults,
      calm: this.#calm,
      codes: callers.codes,
      accepted: faulty.reduce((sum, { accepted }) => sum + accepted, 0),
      restarts: faulty.reduce((sum, { restarts }) => sum + restarts, 0),
      descriptorsBefore,
      descriptorsAfter,
      failure,
    };
  }

  /** One fault of a plugin or of a client amid some work, and the accounts after it; without bad clients no fault. */
  async #round(
    callers: Callers,
    look: () => Promise<ServerStats>,
    witnesses: Witnesses,
    clients?: BadClients,
  ): Promise<void> {
    const { random } = this;
    const plugin = random.pick(FAULTY);
    let times = this.#calm;
    if (clients === undefined) callers.burst(plugin, undefined);
    else if (random.oneIn(3)) {
      const fault = random.pick(CLIENT_FAULTS);
      times = this.#counted(fault);
      callers.burst(plugin, undefined);
      await clients.go(fault);
    } else {
      const fault = random.pick(PLUGIN_FAULTS);
      times = this.#counted(fault.name);
      callers.burst(plugin, fault);
    }
    await pause(ROUND_MS);
    check(await look(), callers);
    await witnesses.take(times);
    if (witnesses.failure !== undefined) throw new Fault(witnesses.failure);
  }

  /** Counts a round, and returns where its times belong. */
  #counted(fault: string): Histogram {
    const seen = this.#faults.get(fault) ?? { rounds: 0, times: new Histogram() };
    seen.rounds++;
    this.#faults.set(fault, seen);
    return seen.times;
  }

  /** Waits until all that was accepted is over and every caller has his reply. */
  async #settled(look: () => Promise<ServerStats>, callers: Callers): Promise<ServerStats> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const stats = await look();
      check(stats, callers);
      const left = stats.plugins.reduce((sum, plugin) => sum + held(plugin), 0);
      if (left === 0 && callers.waiting === 0) return stats;
      if (performance.now() > deadline) {
        const holders = stats.plugins.filter((plugin) => held(plugin) > 0).map((plugin) =>
          `${plugin.name} holds ${
            held(plugin)
          } with ${plugin.workers_running} workers after ${plugin.restarts} deaths`
        );
        throw new Fault(
          `${left} operations are still held, ${callers.waiting} callers wait after ${SETTLE_MS} ms: ${
            holders.join(", ")
          }`,
        );
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #stop(server: WatchedServer, callers: Callers): Promise<void> {
    await callers[Symbol.asyncDispose]();
    server.process.signal("SIGTERM");
    const patience = setTimeout(() => server.process.signal("SIGKILL"), SETTLE_MS);
    const code = await server.process.ended();
    clearTimeout(patience);
    if (code !== 0) {
      throw new Fault(
        `the server, told to stop with nothing to do, ended with ${code}`,
      );
    }
  }
}

function check(stats: ServerStats, callers: Callers): void {
  const wrong = missing(stats) ?? callers.failure;
  if (wrong !== undefined) throw new Fault(wrong);
}

/** Waits until no more descriptors are open than may be; returns how many are. */
async function closed(server: WatchedServer, most: number): Promise<number> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const open = server.descriptors;
    if (open <= most) return open;
    if (performance.now() > deadline) {
      throw new Fault(`${open} descriptors are open after the faults, not ${most}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}
