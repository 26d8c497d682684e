import { Layers } from "../config/layers.ts";
import type { Config, ListenerConfig, PluginConfig, ServerConfig } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import { Server } from "../server/server.ts";
import { leaves, removed } from "../leftovers.ts";
import { textOf } from "../text_of.ts";

export interface PluginServerOptions {
  readonly plugins: readonly PluginConfig[];
  readonly server: ServerConfig;
  readonly log: Log;
  readonly version: string;
}

/** A plugin that does not load or start; the message says why. */
export class PluginStartError extends Error {
  override readonly name = "PluginStartError";
}

/** How often it is looked whether operations are pending, in ms. */
const LOOK_EVERY_MS = 5;

/**
 * The real server in this process, around plugins of an author: on a Unix socket in a temporary folder, reached by nobody
 * else.
 */
export class PluginServer implements AsyncDisposable {
  private constructor(readonly server: Server, readonly folder: string) {}

  /** Rejects with {@link PluginStartError} where a plugin does not start; nothing is left behind then. */
  static async start(
    { plugins, server: settings, log, version }: PluginServerOptions,
  ): Promise<PluginServer> {
    const folder = await Deno.makeTempDir({ prefix: "mevent-plugin-" });
    leaves(folder);
    const config: Config = {
      // Journals of a server that runs elsewhere are none of its business.
      server: {
        ...settings,
        control: "none",
        controlTcp: [],
        ratePerAddress: null,
        realtime: false,
        data: `${folder}/journals`,
      },
      listeners: [listener(socketIn(folder))],
      plugins,
      tokens: [],
      certificates: [],
      alerts: [],
      receivers: [],
      file: undefined,
      origins: new Map(),
      layers: new Layers({}, { file: undefined, positions: null, environment: {}, flags: {} }),
      warnings: [],
    };
    try {
      return new PluginServer(await Server.start({ config, log, version }), folder);
    } catch (error) {
      await remove(folder);
      throw new PluginStartError(textOf(error), { cause: error });
    }
  }

  get socket(): string {
    return socketIn(this.folder);
  }

  /** Operations that are not done, those that wait for a delay or a retry included. */
  get pending(): number {
    return this.server.registry.plugins.reduce((sum, { queue }) => sum + queue.ops, 0);
  }

  /** Operations that have failed for good. */
  get failed(): number {
    return this.server.stats().plugins.reduce((sum, { failed }) => sum + failed, 0);
  }

  /** Resolves when nothing is pending; false where that takes longer. */
  async idle(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    while (this.pending > 0) {
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await remove(this.folder);
  }
}

async function remove(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  removed(folder);
}

function socketIn(folder: string): string {
  return `${folder}/mevent.sock`;
}

function listener(path: string): ListenerConfig {
  return {
    transport: "unix",
    path,
    mode: 0o600,
    group: undefined,
    asyncReply: true,
    legacy: false,
    charset: "utf-8",
    cors: [],
    httpHosts: [],
    admin: "off",
    allow: [],
    auth: "none",
  };
}
