import type { CommandDetails, PluginDetails, WorkerDetails } from "../admin/api.ts";
import type { Told } from "../admin/told.ts";
import type { CommandStats } from "../observe/server_stats.ts";
import type { History } from "../observe/history.ts";
import type { PluginWorker } from "../pool/plugin_worker.ts";
import type { CommandDeclaration } from "../ring/messages.ts";
import { residentBytes } from "../thread/process_memory.ts";
import { limitsOf } from "./plugin_limits.ts";
import type { ServedPlugin } from "./served_plugin.ts";

/** All that is to be told of one plugin beside its figures among the server's. */
export function pluginDetails(served: ServedPlugin, history: History | null): Told<PluginDetails> {
  const { config, module, routed, codeSince } = served;
  const { pool, queue } = routed;
  const now = pool.options.now();
  const timeOf = (monotonic: number) => Math.round(Date.now() - now + monotonic);
  const { declaration } = pool;
  const names = new Map(declaration?.commands.map((command) => [command.number, command]));
  return {
    name: served.name,
    description: declaration?.description ?? "",
    essential: config.essential,
    version: { hash: module.prepared?.hash ?? null, module: config.module, since_at: codeSince },
    bound: {
      ops: queue.ops,
      max_ops: queue.limits.maxOps,
      bytes: queue.bytes,
      max_bytes: queue.limits.maxBytes,
      full_in_ms: history?.fullIn(served.name, queue.limits) ?? null,
    },
    workers: pool.holders.flatMap((worker) => workerDetails(worker, timeOf)),
    commands: commandsOf(
      pool.outcomes.commands.stats(now, (number) => names.get(number)?.name),
      declaration?.commands ?? [],
      declaration?.example ?? null,
    ),
    timers: declaration?.timers.map(({ name, schedule }) => ({ name, schedule })) ?? [],
    limits: limitsOf(config, served.edited),
    results_keep_ms: config.results.keep,
    durability: config.durability,
  };
}

function workerDetails(worker: PluginWorker, timeOf: (monotonic: number) => number): Told<WorkerDetails>[] {
  const { index, state, isolation, thread: { pid }, startedAt, inFlight, answered, problem } = worker;
  if (state === "gone") return [];
  return [{
    index,
    state,
    isolation,
    pid,
    memory_bytes: pid === null ? null : residentBytes(pid),
    since_at: timeOf(startedAt),
    holds: inFlight.count,
    answered,
    problem,
  }];
}

/** Those that the plugin has, run or not, in its order; then those that it has no more, and all others together. */
function commandsOf(
  figures: readonly CommandStats[],
  declared: readonly CommandDeclaration[],
  example: string | null,
): Told<CommandDetails>[] {
  const left = new Map(figures.map((command) => [command.number, command]));
  const of = (number: number | null, command: CommandDeclaration | null, example: string | null) => {
    const stats = left.get(number);
    left.delete(number);
    return {
      number,
      name: command?.name ?? "",
      description: command?.description ?? "",
      idempotent: command?.idempotent ?? false,
      batch_max: command?.batch?.max ?? null,
      done: stats?.done ?? 0,
      failed: stats?.failed ?? 0,
      refused: stats?.refused ?? 0,
      wait_p50_us: stats?.wait_us_last_minute.p50 ?? 0,
      wait_p99_us: stats?.wait_us_last_minute.p99 ?? 0,
      run_p50_us: stats?.run_us_last_minute.p50 ?? 0,
      run_p99_us: stats?.run_us_last_minute.p99 ?? 0,
      schema: null,
      example: example === null ? null : JSON.parse(example),
    };
  };
  const own = declared.map((command, at) => of(command.number, command, at === 0 ? example : null));
  return [...own, ...[...left.keys()].map((number) => of(number, null, null))];
}
