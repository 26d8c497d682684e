import { setTimeout as pause } from "node:timers/promises";
import { asServerStats, fetchStats } from "../../src/cli/stats/report.ts";
import { Connection, type StreamAddress } from "../../src/client/mod.ts";
import type { PluginStats, ServerStats } from "../../src/observe/server_stats.ts";
import { ChildProcess, onceReady } from "../support/child_process.ts";
import { freePort } from "../support/free_port.ts";

/** So long its figures may take to come to rest, in ms. */
const SETTLE_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** What each change of the server's files is made with. */
export interface ChangedFolder {
  readonly folder: string;
  /** The server's. */
  readonly port: number;
}

/** Figures of the server and of the plugin that is under load. */
export interface SettledStats {
  readonly server: ServerStats;
  readonly plugin: PluginStats;
  /** What the plugin has counted by a name, 0 where it has not. */
  figure(name: string): number;
}

/** mevent's executable, serving from a folder whose files a bench changes under load, a plugin's that counts what it `ran`. */
export class ChangedServer implements AsyncDisposable, ChangedFolder {
  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly plugin: string,
    readonly process: ChildProcess,
  ) {}

  /**
   * Starts it and waits until it listens.
   *
   * @param plugin the one that is under load
   * @param write writes the files as they are at first, `bench.toml` among them
   */
  static async start(
    program: string,
    plugin: string,
    write: (place: ChangedFolder) => Promise<void>,
    ...flags: readonly string[]
  ): Promise<ChangedServer> {
    const [folder, port] = [await Deno.makeTempDir(), freePort()];
    await write({ folder, port });
    const config = `${folder}/bench.toml`;
    const process = new ChildProcess(program, [
      "serve",
      "--config",
      config,
      ...flags,
      "--log-format",
      "json",
    ]);
    return await onceReady(new ChangedServer(folder, port, plugin, process), process.listens(port));
  }

  get address(): StreamAddress {
    return { transport: "tcp", hostname: "127.0.0.1", port: this.port };
  }

  async stats(): Promise<ServerStats> {
    await using client = await Connection.connect(this.address);
    return asServerStats(await fetchStats(client));
  }

  /**
   * The figures once nothing is queued or runs and the workers have told their counters; where that takes too long, those of
   * then.
   */
  async settled(): Promise<SettledStats> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const server = await this.stats();
      const plugin = server.plugins.find(({ name }) => name === this.plugin);
      if (plugin === undefined) throw new Error("the server has lost its plugin");
      const figure = (name: string) => plugin.counters[name] ?? 0;
      const { queued, in_flight, accepted } = plugin;
      const isSettled = queued === 0 && in_flight === 0 && figure("ran") === accepted;
      if (isSettled || performance.now() > deadline) return { server, plugin, figure };
      await pause(LOOK_EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
