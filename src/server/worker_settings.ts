import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { PluginConfig, PluginPermissions, ServerConfig } from "../config/config.ts";
import type { PreparedModule } from "../modules/prepare_module.ts";
import { bodyBytes, Encoding } from "../protocol/body.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import type { ReadablePlace } from "../ring/messages.ts";
import type { WorkerSettings } from "../pool/supervisor_options.ts";
import { builtinRights } from "./builtin_rights.ts";
import { confinement } from "./confinement.ts";

/**
 * What makes a plugin's workers what they are: where any of it changes, they are replaced. What a plugin's worker sees of
 * the config belongs here and nowhere else.
 *
 * @param module the snapshot of its module; null where that is built in
 * @param longest the longest content that may wait in the plugin's queue already, in bytes
 * @param runs what tells this server from others and from itself after its next start, and what tells the journal's operations from all others
 */
export function workerSettings(
  config: PluginConfig,
  server: ServerConfig,
  module: PreparedModule | null,
  longest: number,
  runs: { readonly server: string; readonly journal: string | null },
): WorkerSettings {
  const granted = builtinRights(config.module, config.permissions);
  const { permissions, readable } = workerRights(granted, module);
  return {
    setup: {
      name: config.name,
      biz: config.biz,
      run: runOf(runs.journal ?? runs.server, config.name),
      syncRun: runOf(runs.server, config.name),
      module: module?.url ?? config.module,
      original: module === null ? null : { folder: module.folder, root: module.root },
      grants: config.permissions,
      readable,
      config: config.config,
      concurrency: config.concurrency,
      timeout: config.timeout,
      grace: config.grace,
      healthInterval: config.healthInterval,
      maxReplyBytes: maxReplyBytes(server),
      contentLimits: { depth: server.maxDepth, keys: server.maxKeys },
      exposeTrace: config.exposeTrace,
    },
    workers: config.workers,
    minWorkers: config.minWorkers,
    workerIdle: config.workerIdle,
    isolation: config.isolation,
    maxMemory: config.maxMemory,
    recycleAfter: config.recycleAfter,
    isParted: partsOf(config) > 1,
    permissions,
    maxContentBytes: Math.max(server.maxFrame, longest),
  };
}

/** Each plugin counts its operations by itself: their ids are not to be those of another plugin. */
function runOf(serverRun: string, plugin: string): string {
  return createHash("sha256").update(`${serverRun} ${plugin}`).digest("hex").slice(0, 12);
}

/** How many parts the plugin's queue has. */
export function partsOf({ affinity, workers }: PluginConfig): number {
  return affinity === undefined ? 1 : workers;
}

/** The longest content of a reply, in bytes. */
export function maxReplyBytes({ maxFrame }: Pick<ServerConfig, "maxFrame">): number {
  return maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES - bodyBytes(Encoding.Hdf, 0);
}

/**
 * What a plugin's workers may do: what the config grants, and read the files of their own module and their snapshot. Those
 * that the kernel is to hold to it may load libraries until they have asked it to.
 */
export function workerRights(
  granted: PluginPermissions,
  snapshot: PreparedModule | null,
): { permissions: Deno.PermissionOptionsObject; readable: readonly ReadablePlace[] | null } {
  const own = snapshot === null ? [] : [snapshot.folder, ...snapshot.files];
  const list = (permission: boolean | readonly string[]) =>
    typeof permission === "boolean" ? permission : [...permission];
  const absolute = (paths: readonly string[]) => paths.map((path) => resolve(path));
  const readable = confinement(granted, snapshot);
  const permissions = {
    net: list(granted.net),
    write: typeof granted.write === "boolean" ? granted.write : absolute(granted.write),
    env: list(granted.env),
    run: list(granted.run),
    sys: list(granted.sys),
    ffi: readable !== null || list(granted.ffi),
    import: list(granted.import),
    read: granted.read === true || (granted.read === false && own.length === 0)
      ? granted.read
      : [...granted.read === false ? [] : absolute(granted.read), ...own],
  };
  return { permissions, readable };
}
