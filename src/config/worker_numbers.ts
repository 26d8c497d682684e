import type { PluginConfig } from "./config.ts";

/** `workers` as the file says it: so many, always, or as many as the work needs. */
export type WorkersInFile = number | {
  readonly min?: number | undefined;
  readonly max: number;
  readonly idle: number;
};

type WorkerNumbers = Pick<PluginConfig, "workers" | "minWorkers" | "workerIdle">;

/** What the file says, for those who work with it. */
export function workerNumbers(workers: WorkersInFile): WorkerNumbers {
  if (typeof workers === "number") return { workers, minWorkers: "all", workerIdle: 0 };
  const { min, max, idle } = workers;
  // None ever ends then.
  if (min === max) return workerNumbers(max);
  return { workers: max, minWorkers: min ?? "auto", workerIdle: idle };
}

/** A plugin's config with `workers` as a file would say it. */
export function withWorkersInFile(config: PluginConfig): object {
  const { workers: max, minWorkers, workerIdle: idle, ...others } = config;
  const min = minWorkers === "auto" ? undefined : minWorkers;
  const workers: WorkersInFile = min === "all" ? max : { min, max, idle };
  return { ...others, workers };
}
