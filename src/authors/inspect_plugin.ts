import * as v from "valibot";
import type { PluginPermissions } from "../config/config.ts";
import { PLUGIN_DEFAULTS } from "../config/defaults.ts";
import { ModuleError } from "../modules/module_error.ts";
import type { JsonObject } from "../plugin.ts";
import { builtinRights } from "../server/builtin_rights.ts";
import { workerRights } from "../server/worker_settings.ts";
import { INSPECTION, type Inspection, type InspectMessage } from "./inspection.ts";
import { ModuleCopy } from "./module_copy.ts";

export interface InspectOptions {
  /** Of the plugin, for those that are made from it. */
  readonly name?: string;
  /** `[plugin.config]`. */
  readonly config: JsonObject;
  /** Nothing but reading the folder of the module, where nothing is said. */
  readonly permissions?: PluginPermissions;
}

/**
 * Loads a plugin as a server would, in a worker that may do no more than it is granted, and asks what it is. Its `start`
 * does not run. Never rejects: what is wrong are the `problems`.
 *
 * @param module `builtin:NAME` or the URL of a module
 */
export async function inspectPlugin(
  module: string,
  options: InspectOptions,
  timeoutMs: number,
): Promise<Inspection> {
  const { permissions = PLUGIN_DEFAULTS.permissions } = options;
  try {
    await using copy = await ModuleCopy.of(module, permissions);
    const { plugin, problems, warnings, refused } = await inspectCopy(
      module,
      copy,
      { ...options, permissions },
      timeoutMs,
    );
    return { plugin, problems: problems.map(copy.named), warnings: warnings.map(copy.named), refused };
  } catch (error) {
    if (error instanceof ModuleError) return broken(error.message);
    throw error;
  }
}

async function inspectCopy(
  module: string,
  copy: ModuleCopy,
  { name = stemOf(module), config, permissions }: InspectOptions & {
    readonly permissions: PluginPermissions;
  },
  timeoutMs: number,
): Promise<Inspection> {
  const { permissions: rights, readable } = workerRights(builtinRights(module, permissions), copy.prepared);
  const worker = new Worker(new URL("./inspect_thread.ts", import.meta.url), {
    type: "module",
    name: `inspect ${name}`,
    deno: { permissions: rights },
  });
  const { port1, port2 } = new MessageChannel();
  const { promise, resolve } = Promise.withResolvers<Inspection>();
  const failed = (problem: string) => resolve(broken(problem));
  port1.onmessage = ({ data }: MessageEvent<unknown>) => {
    const inspection = v.safeParse(INSPECTION, data);
    if (inspection.success) resolve(inspection.output);
    else failed(`what it says of itself cannot be used: ${v.summarize(inspection.issues)}`);
  };
  worker.onerror = (event) => {
    // Not cancelled, the error would end the whole process.
    event.preventDefault();
    failed(event.message || "its worker failed without a message");
  };
  const timer = setTimeout(
    () => failed(`it has not loaded within ${timeoutMs} ms: does it wait for something, or loop?`),
    timeoutMs,
  );
  const message: InspectMessage = {
    module: copy.url,
    settings: { name, config },
    grants: permissions,
    readable,
    original: copy.prepared,
    port: port2,
  };
  worker.postMessage(message, [port2]);
  const inspection = await promise;
  clearTimeout(timer);
  port1.close();
  worker.terminate();
  return inspection;
}

/** What came of a plugin that does not load, for one reason. */
function broken(problem: string): Inspection {
  return { plugin: null, problems: [problem], warnings: [], refused: [] };
}

/** `orders` for `file:///shop/orders.ts` and `builtin:orders`. */
export function stemOf(module: string): string {
  const last = module.slice(module.lastIndexOf(module.startsWith("builtin:") ? ":" : "/") + 1);
  return decodeURIComponent(last).replace(/\.[^.]*$/, "");
}
