import { isDeepStrictEqual } from "node:util";
import type { Log } from "../observe/log.ts";
import { besides } from "../observe/log_fields.ts";
import type { JsonObject } from "../plugin.ts";
import type { FromHost, PluginDeclaration } from "../ring/messages.ts";
import { commandsHeld } from "./command_names.ts";
import type { PluginWorker } from "./plugin_worker.ts";

type LogLine = Extract<FromHost, { kind: "log" }>;

/** What the log says of a plugin's workers. */
export class WorkerLog {
  constructor(readonly plugin: string, readonly log: Log) {}

  /** Which worker it is. */
  fields(worker: PluginWorker): { plugin: string; worker: number } {
    return { plugin: this.plugin, worker: worker.index };
  }

  /** How it has died, and what it had begun. */
  deathOf(worker: PluginWorker, reason: string): JsonObject {
    const commands = commandsHeld(worker);
    return {
      ...this.fields(worker),
      reason,
      operations_begun: worker.inFlight.count,
      ...commands === "" ? {} : { commands },
    };
  }

  /** Whether the first worker declares something else than its module did beside others; told where it does. */
  declaresOtherwise(before: PluginDeclaration, after: PluginDeclaration): boolean {
    // Not all workers tell the example.
    const was = new Map<string, unknown>(Object.entries(before));
    const members = Object.entries(after).flatMap(([name, value]: [string, unknown]) =>
      name === "example" || isDeepStrictEqual(was.get(name), value) ? [] : [name]
    );
    if (members.length === 0) return false;
    this.log.warn("a plugin's worker declares something else than its module did when the server loaded it", {
      plugin: this.plugin,
      members,
      advice:
        "what the worker declares counts, but for the business number; let it not depend on where it is loaded",
    });
    return true;
  }

  /** The plugin has logged something. */
  line(worker: PluginWorker, { level, message, fields }: LogLine): void {
    this.log.write(level, message, besides(this.fields(worker), fields));
  }

  /** What keeps the plugin from its work there, or null; told where that is new. */
  health(worker: PluginWorker, problem: string | null): void {
    const before = worker.problem;
    worker.problem = problem;
    if (before === null && problem !== null) {
      this.log.error("a worker is not healthy", { ...this.fields(worker), reason: problem });
    } else if (before !== null && problem === null) {
      this.log.info("a worker is healthy again", this.fields(worker));
    }
  }

  /** A plugin keeps a thread busy that cannot be ended, and runs in processes from now on. */
  moved(leakedThreads: number): void {
    this.log.error("a plugin spins: it runs in child processes from now on, which can be ended", {
      plugin: this.plugin,
      leaked_threads: leakedThreads,
      advice: 'give it isolation = "process"; a restart ends the threads',
    });
  }
}
