import type { Context, Plugin, PluginSettings } from "mevent/plugin";
import { systemReason } from "../src/system_reason.ts";
import { ConfigTable } from "./config_table.ts";
import { checkFolder, loadSnapshot, Ownership, writeSnapshot } from "./kv/snapshot.ts";

/** The value is no whole number. */
const NO_NUMBER = 25;
/** There is no snapshot in the config. */
const NO_SNAPSHOT = 26;
/** The reply codes of mevent for what does not fit, is wrong, is not there. */
const NO_ROOM = 19;
const BAD_PARAM = 23;
const MISS = 24;

/** Bounds of the interval, in ms: a second to a week. */
const INTERVAL = { least: 1000, most: 7 * 86_400_000 };

/** What the config says of the snapshot; null where there is to be none. */
let settings: { readonly path: string; readonly interval: number } | null = null;
let ownership = new Ownership("");
/** When the last snapshot was begun, or the worker started; monotonic, in ms. */
let begunAt = 0;

/** A store of texts under keys, in the plugin's cache; a snapshot on disk outlives the server. */
export default {
  name: "kv",
  description: "keeps texts under keys, for a time or for good",
  concurrency: 256,
  timers: [{
    name: "snapshot",
    every: "1s",
    run: async (context) => {
      if (settings !== null && performance.now() - begunAt >= settings.interval) {
        await snapshot(settings.path, context);
      }
    },
  }],

  async start(context) {
    settings = settingsOf(context);
    begunAt = performance.now();
    if (settings === null) return;
    await checkFolder(settings.path);
    ownership = new Ownership(context.run);
    // One of them reads it, for all.
    if (context.first) await ownership.takeOver(settings.path);
    if (context.first && context.worker === 0) await loadSnapshot(settings.path, context);
  },
  async stop(context) {
    // The timer's own signal has ended its run by now.
    if (settings !== null && context.worker === 0) {
      await snapshot(settings.path, { ...context, signal: undefined });
    }
  },

  commands: {
    1001: {
      name: "get",
      description: "key -> value; 24 where there is none",
      async run(context) {
        const key = keyOf(context);
        const value = await context.cache.get(key);
        if (value === undefined) throw context.fail(MISS, `there is no key ${JSON.stringify(key)}`);
        return { value };
      },
    },
    1002: {
      name: "set",
      description: "key, value, expire (seconds; optional)",
      idempotent: true,
      async run(context) {
        const { cache, params } = context;
        await fitting(context, cache.set(keyOf(context), params.string("value"), expireOf(context)));
      },
    },
    1003: {
      name: "del",
      description: "key -> deleted: whether there was one",
      run: async (context) => ({ deleted: await context.cache.delete(keyOf(context)) }),
    },
    1004: {
      name: "incr",
      description: "key, by (1 where nothing is said), expire (of a new one; optional) -> value",
      async run(context) {
        const { cache, params } = context;
        const key = keyOf(context);
        const by = params.int("by", 1);
        try {
          return { value: await fitting(context, cache.incr(key, by, expireOf(context))) };
        } catch (error) {
          if (error instanceof TypeError) {
            throw context.fail(
              NO_NUMBER,
              `the value of ${JSON.stringify(key)} is no whole number within ±2^53`,
            );
          }
          throw error;
        }
      },
    },
    1005: {
      name: "cas",
      description:
        "key, expected (absent: none), value, expire (optional) -> swapped: whether it was the expected one",
      async run(context) {
        const { cache, params } = context;
        const expected = params.has("expected") ? params.string("expected") : undefined;
        const swap = cache.cas(keyOf(context), expected, params.string("value"), expireOf(context));
        return { swapped: await fitting(context, swap) };
      },
    },
    1006: {
      name: "snapshot",
      description: "writes the snapshot now -> entries",
      async run(context) {
        if (settings === null) {
          throw context.fail(NO_SNAPSHOT, "no snapshot is configured: config.snapshot names its file");
        }
        return { entries: await snapshot(settings.path, context) };
      },
    },
  },
} satisfies Plugin;

/** Rejects where the snapshot's folder is not granted, or is not there. */
export async function checkGrants(context: PluginSettings): Promise<void> {
  const path = settingsOf(context)?.path;
  if (path !== undefined) await checkFolder(path);
}

async function snapshot(path: string, context: Parameters<typeof writeSnapshot>[2]): Promise<number> {
  begunAt = performance.now();
  try {
    return await writeSnapshot(path, ownership, context);
  } catch (error) {
    // Of errors of the system: what is not granted is told by the host.
    if (!(error instanceof Error) || !("code" in error) || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    throw new Error(`the snapshot ${path} cannot be written: ${systemReason(error, "file")}`);
  }
}

function keyOf(context: Context<unknown>): string {
  const key = context.params.string("key");
  if (key === "") throw context.fail(BAD_PARAM, 'param "key" is to be a text of at least one character');
  return key;
}

/** In seconds; 0 is for good. */
function expireOf(context: Context<unknown>): number {
  const expire = context.params.number("expire", 0);
  if (expire < 0) throw context.fail(BAD_PARAM, 'param "expire" is to be seconds from 0 on');
  return expire;
}

/** What the cache refuses because of its bounds, or those of numbers, its caller is told. */
async function fitting<T>(context: Context<unknown>, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof RangeError ? context.fail(NO_ROOM, error.message) : error;
  }
}

function settingsOf({ config }: PluginSettings): typeof settings {
  const table = new ConfigTable(config, "config");
  const path = table.textIfAny("snapshot");
  const interval = table.duration("interval", INTERVAL, 60_000);
  table.end();
  if (path === undefined) return null;
  if (path.endsWith("/")) throw table.wrong("snapshot", "is to be the path of a file, not of a folder");
  return { path, interval };
}
