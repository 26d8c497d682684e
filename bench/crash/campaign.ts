import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../fuzz/random.ts";
import { Account } from "./account.ts";
import { DurableServer } from "./durable_server.ts";
import { Load } from "./load.ts";
import { PowerCut, SYNCED_ALONE } from "./power_cut.ts";
import { Runs } from "./runs.ts";
import { ShiftedClock } from "./shifted_clock.ts";

const PLUGIN = "recorder";
const KEYS = [
  "workers = 2",
  "concurrency = 8",
  'affinity = "lane"',
  'retry = { max_attempts = 3, backoff = "5ms", max_backoff = "40ms" }',
  'max_delay = "1m"',
  'dedup = { window = "1h", max_keys = 1_000_000, max_bytes = "256 MiB" }',
  "dead = { max_ops = 100_000 }",
];
/** A round's load lasts so long at most, in ms, and has so many operations. */
const LOAD_MS = 500;
/** Some starts are killed within that time, in ms. */
const START_MS = 1000;
const MOST = 3000;
/** What a sync takes longer where the file system forgets, in ms: a kill mostly finds one under way. */
const SYNC_MS = 10;
/** The clock is set on, or back, by so much at most, in ms. */
const ON_MS = 3_600_000;
const BACK_MS = 10_000;
/** What is left after a crash is worked off in that time, on a machine with much else to do, too; in ms. */
const PATIENCE_MS = 60_000;

export interface CampaignOptions {
  /** mevent's executable; undefined: from source. */
  readonly mevent: string | undefined;
  readonly rounds: number;
  readonly random: Random;
  /** Of the plugin's queue; one in memory fails. */
  readonly durability?: "journal" | "memory";
  /** What the file system forgets: nothing, what was not synced, or every other sector of that. */
  readonly loses: "nothing" | "unsynced" | "part";
  /** The machine's clock is set between the server's lives: on by up to an hour, or back by up to ten seconds. */
  readonly clock?: "runs" | "jumps";
  readonly told?: (line: string) => void;
}

export interface CampaignResult {
  readonly rounds: number;
  readonly acknowledged: number;
  /** Runs of the plugin, of all attempts. */
  readonly runs: number;
  /** What the file system forgot, in all rounds. */
  readonly forgottenBytes: number;
  readonly forgottenNames: number;
  readonly failure: string | undefined;
}

/** Kills a server under load so many times, each time at a random moment, and holds what it has left against what callers were told. */
export async function runCrashes(options: CampaignOptions): Promise<CampaignResult> {
  const { mevent, rounds, random, durability = "journal", loses, clock = "runs", told = () => {} } = options;
  const keys = [...KEYS, ...(durability === "memory" ? [] : [`durability = "journal"`])];
  const folder = await Deno.makeTempDir({ prefix: "mevent_crash_" });
  try {
    const data = `${folder}/data`;
    await Deno.mkdir(data, { mode: 0o700 });
    const cut = loses === "nothing" ? undefined : await PowerCut.prepare(data, folder, SYNC_MS);
    const shifted = clock === "jumps" ? await ShiftedClock.prepare(folder) : undefined;
    const setClock = () => {
      if (shifted === undefined) return;
      shifted.shiftMs += random.oneIn(2) ? random.below(ON_MS) : -random.below(BACK_MS);
      server.env = shifted.env(cut?.env);
    };
    await using server = await DurableServer.create([{ name: PLUGIN, keys }], {
      mevent,
      env: cut?.env ?? {},
      fronts: true,
    });
    server.data = data;
    using runs = new Runs(server.runsOf(PLUGIN));
    const account = new Account(runs);
    let [failure, done, forgottenBytes, forgottenNames]: [string | undefined, number, number, number] = [
      undefined,
      0,
      0,
      0,
    ];
    /** Nothing of it runs. */
    const lose = () => {
      runs.read();
      if (cut === undefined) return;
      const { bytes, names } = cut.forget(loses === "part" ? () => random.oneIn(2) : SYNCED_ALONE);
      forgottenBytes += bytes;
      forgottenNames += names;
      cut.begin();
    };
    cut?.begin();
    await server.start();
    let load = await Load.connect(server, PLUGIN, account, random);
    try {
      for (; done < rounds && failure === undefined; done++) {
        const others = keys.map((key) => key === "workers = 2" ? `workers = ${2 + done % 3}` : key);
        const reload = [
          ...others,
          `timeout = "${30 + done % 2}s"`,
          `queue = { max_ops = ${100_000 + done} }`,
        ];
        const running = load.run(MOST, reload);
        await pause(20 + random.below(LOAD_MS));
        await server.kill();
        await running;
        await load.close();
        account.crashed();
        lose();
        if (random.oneIn(3)) {
          // It has hardly begun to read what there is.
          setClock();
          server.spawn();
          await pause(random.below(START_MS));
          await server.kill();
          lose();
        }
        const began = performance.now();
        setClock();
        await server.start();
        const startMs = performance.now() - began;
        load = await Load.connect(server, PLUGIN, account, random);
        failure = await load.workOff(PATIENCE_MS);
        told(
          `round ${done + 1}: ${account.acknowledged} acknowledged so far, ${runs.order.length} ran; ` +
            `started again in ${Math.round(startMs)} ms; ${forgottenBytes} bytes forgotten`,
        );
      }
    } catch (error) {
      failure = error instanceof Error ? `${error.message} ${server.said}` : String(error);
    } finally {
      await load.close();
    }
    return {
      rounds: done,
      acknowledged: account.acknowledged,
      runs: runs.order.length,
      forgottenBytes,
      forgottenNames,
      failure,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
