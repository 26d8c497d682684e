import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { Connection } from "../../src/client/mod.ts";
import { ChildProcess, onceReady } from "../support/child_process.ts";
import { countText, megabytesText, ratioText } from "../support/figures.ts";
import { freePort } from "../support/free_port.ts";
import { markdownTable } from "../support/markdown_table.ts";
import { median } from "../support/median.ts";
import { memoryOf } from "../support/memory_of.ts";
import { READY } from "../support/mevent_server.ts";
import { type JournalFigures, pluginStats } from "../support/plugin_stats.ts";
import { JOURNAL_PLUGIN, WORKED_OFF_JOURNAL_PLUGIN } from "./contestants.ts";
import { JOURNAL_CONFIG } from "./journal_config.ts";
import type { PeerOptions } from "./options.ts";

/** The name that it is asked for with. */
export const RECOVERY = "recovery";
/** What waits when the server is killed. */
const OPERATIONS = 1_000_000;
/** Operations that wait for an hour among others that are worked off for so long. */
const DELAYED = 50_000;
const DELAYED_AT_ONCE = 500;
const CHURN_SECONDS = 4;
const DELAY_SECONDS = 3600;
const ECHO_COMMAND = 1002;
const LOOK_EVERY_MS = 100;
/** The disk is taken to be settled when nothing has changed on it for so long; it gets so long for that. */
const SETTLED_MS = 2000;
const SETTLE_MS = 30_000;

/** What one round has shown. */
export interface Recovery {
  /** From the start of the program until it holds its plugins and what waits for them. */
  readonly readyMs: number;
  /** RSS then, and the most until then. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** What is alive when everything else was worked off, and what all files have. */
  readonly liveBytes: number;
  readonly diskBytes: number;
  /** The most that they had while it was worked off. */
  readonly mostDiskBytes: number;
}

/** Kills a server that has a million operations on disk and starts it again; then lets operations end all around some that do not. */
export async function measureRecovery(options: PeerOptions): Promise<Recovery[]> {
  const all: Recovery[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const folder = await Deno.makeTempDir();
    try {
      const recovery = { ...await recovered(options, folder), ...await churned(options, folder) };
      all.push(recovery);
      console.error(`round ${round}  ${RECOVERY}  ${JSON.stringify(recovery)}`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return all;
}

/** A table with the medians. */
export function recoveryMarkdown(all: readonly Recovery[]): string {
  const middle = (pick: (recovery: Recovery) => number) => median(all.map(pick));
  return "### Journals\n\n" + markdownTable(["", "median", "rounds"], [
    [
      `${countText(OPERATIONS)} operations of 100 bytes recovered after SIGKILL: ready after`,
      `${countText(middle(({ readyMs }) => readyMs))} ms`,
      all.map(({ readyMs }) => countText(readyMs)).join(" "),
    ],
    ...([["RSS then", "residentBytes"], ["the most until then", "peakBytes"]] as const).map(([what, key]) => [
      what,
      megabytesText(middle((recovery) => recovery[key])),
      all.map((recovery) => megabytesText(recovery[key])).join(" "),
    ]),
    [
      `disk, with ${countText(DELAYED)} alive among those that ended`,
      megabytesText(middle(({ diskBytes }) => diskBytes)),
      all.map(({ diskBytes }) => megabytesText(diskBytes)).join(" "),
    ],
    [
      "of them alive, and disk is x of it",
      megabytesText(middle(({ liveBytes }) => liveBytes)),
      all.map(({ diskBytes, liveBytes }) => ratioText(diskBytes / liveBytes)).join(" "),
    ],
    [
      "the most disk meanwhile",
      megabytesText(middle(({ mostDiskBytes }) => mostDiskBytes)),
      all.map(({ mostDiskBytes }) => megabytesText(mostDiskBytes)).join(" "),
    ],
  ]);
}

async function recovered({ mevent, loadgen }: PeerOptions, folder: string) {
  {
    await using server = await start(mevent, folder);
    const { ok } = await loadgen.run({
      port: server.port,
      connections: 50,
      depth: 16,
      count: OPERATIONS,
      options: enqueueAt(JOURNAL_PLUGIN, 1001),
    });
    if (ok !== OPERATIONS) throw new Error(`${ok} of ${OPERATIONS} operations were accepted`);
    server.process.signal("SIGKILL");
    await server.process.ended();
  }
  const from = performance.now();
  await using server = await start(mevent, folder);
  const readyMs = performance.now() - from;
  const { resident, peak } = memoryOf(server.process.pid);
  const { queued, in_flight } = await pluginStats(server.port, JOURNAL_PLUGIN);
  if (queued + in_flight !== OPERATIONS) {
    throw new Error(
      `${queued} operations wait and ${in_flight} run after the start; there were ${OPERATIONS}`,
    );
  }
  return { readyMs, residentBytes: resident, peakBytes: peak };
}

async function churned({ mevent, loadgen }: PeerOptions, folder: string) {
  await using server = await start(mevent, folder);
  await using client = await Connection.connect({
    transport: "tcp",
    hostname: "127.0.0.1",
    port: server.port,
  });
  const load = loadgen.start({
    port: server.port,
    connections: 50,
    depth: 16,
    seconds: CHURN_SECONDS,
    options: enqueueAt(WORKED_OFF_JOURNAL_PLUGIN, ECHO_COMMAND),
  });
  const params = { mevent: { delay: DELAY_SECONDS }, pad: "x".repeat(60) };
  let mostDiskBytes = 0;
  const look = async (): Promise<{ queued: number; journal: JournalFigures }> => {
    const { queued, journal } = await pluginStats(server.port, WORKED_OFF_JOURNAL_PLUGIN);
    if (journal === undefined) throw new Error("the server tells nothing of the journal");
    mostDiskBytes = Math.max(mostDiskBytes, journal.disk_bytes);
    return { queued, journal };
  };
  const pauseMs = CHURN_SECONDS * 1000 * DELAYED_AT_ONCE / DELAYED / 2;
  for (let sent = 0; sent < DELAYED; sent += DELAYED_AT_ONCE) {
    const answers = await Promise.all(
      Array.from(
        { length: DELAYED_AT_ONCE },
        () => client.request(WORKED_OFF_JOURNAL_PLUGIN, ECHO_COMMAND, params, { sync: false }),
      ),
    );
    const refused = answers.find(({ code }) => code < 1000);
    if (refused !== undefined) throw new Error(`a delayed operation was refused: ${JSON.stringify(refused)}`);
    await look();
    await pause(pauseMs);
  }
  await load.result;
  let last = await look();
  const deadline = performance.now() + SETTLE_MS;
  for (let changedAt = performance.now(); performance.now() < changedAt + SETTLED_MS;) {
    if (performance.now() > deadline) throw new Error("the journal's files do not settle");
    await pause(LOOK_EVERY_MS);
    const next = await look();
    if (next.queued > 0 || next.journal.disk_bytes !== last.journal.disk_bytes) changedAt = performance.now();
    last = next;
  }
  return { liveBytes: last.journal.live_bytes, diskBytes: last.journal.disk_bytes, mostDiskBytes };
}

function enqueueAt(plugin: string, command: number): string[] {
  return ["--mode", "enqueue", "--proto", "mevent", "--plugin", plugin, "--cmd", String(command)];
}

interface Server extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly port: number;
}

async function start(mevent: string, folder: string): Promise<Server> {
  const config = join(folder, "journal.toml");
  await Deno.writeTextFile(config, `[server]\nunix = ""\ndrain_timeout = "0s"\n${JOURNAL_CONFIG}`);
  const port = freePort();
  const listen = ["--listen", `127.0.0.1:${port}`, "--no-udp"];
  const process = new ChildProcess(mevent, ["serve", "--config", config, ...listen]);
  const server = { process, port, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  return await onceReady(server, process.says(READY));
}
