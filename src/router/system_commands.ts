import { doubleOf, keyText, spelledNumber } from "../exact_number.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

/** What a system command does; nothing returned is a bare 1000. Throws ProtocolError with the reply's code. */
type SystemCommand = (plugin: RoutedPlugin, params: JsonObject) => JsonObject | undefined;

/**
 * The commands that every plugin answers, run on the main thread at once: they do not wait in the queue, so a stuck
 * plugin still tells its stats.
 */
export const SYSTEM_COMMANDS: ReadonlyMap<number, SystemCommand> = new Map<number, SystemCommand>([
  [100, cacheGet],
  [101, cacheSet],
  [102, cacheDelete],
  [103, cacheEmpty],
  [1000, stats],
]);

/** cachekey -> cacheval; 24 on a miss. */
function cacheGet({ cache }: RoutedPlugin, params: JsonObject): JsonObject {
  const key = text(params, "cachekey");
  const value = cache.get(key);
  if (value === undefined) {
    throw new ProtocolError(`the cache has no key ${JSON.stringify(key)}`, ReplyCode.CacheMiss);
  }
  return { cacheval: value };
}

/** cachekey, cacheval, expire (seconds, optional; 0 is for good). */
function cacheSet({ cache }: RoutedPlugin, params: JsonObject): undefined {
  const key = text(params, "cachekey");
  const value = text(params, "cacheval");
  const spelled = params.expire === undefined ? 0 : spelledNumber(text(params, "expire"));
  const expire = spelled === undefined ? undefined : doubleOf(spelled);
  if (expire === undefined || !(expire >= 0) || expire === Infinity) {
    throw badParam(`expire is to be seconds from 0 on`);
  }
  if (!cache.set(key, value, expire)) {
    throw new ProtocolError("the entry is larger than the whole cache may be", ReplyCode.Memory);
  }
}

/** cachekey; done also where the key was not there. */
function cacheDelete({ cache }: RoutedPlugin, params: JsonObject): undefined {
  cache.delete(text(params, "cachekey"));
}

function cacheEmpty({ cache }: RoutedPlugin): undefined {
  cache.clear();
}

/**
 * The counters of the C daemon, by its names and as it counts: an unknown command is a failure, too, and the command that
 * asks counts itself as a message, but not yet as a success. What was refused as too much has not come to the plugin.
 */
function stats(plugin: RoutedPlugin): JsonObject {
  const { pool, queue } = plugin;
  const waiting = queue.waiting;
  const share = Math.floor(waiting / plugin.workers);
  const thread: JsonObject = {};
  for (let index = 0; index < plugin.workers; index++) {
    // All workers take from one queue: what waits is shown in equal parts, the rest with the first.
    const own = index === 0 ? waiting - share * (plugin.workers - 1) : share;
    thread[index] = { queue_size: own + (pool.workers[index]?.inFlight.count ?? 0) };
  }
  return {
    msg_total: plugin.accepted + plugin.unknown + plugin.badOptions + plugin.systemCommands,
    msg_unrec: plugin.unknown + pool.outcomes.unknown,
    msg_badparam: plugin.systemBadParams + plugin.badOptions + pool.outcomes.badParam,
    msg_stats: plugin.statsCommands,
    proc_suc: pool.outcomes.done + plugin.systemSuccesses,
    proc_fai: pool.outcomes.failed + plugin.systemFailures + plugin.unknown + plugin.badOptions,
    thread,
  };
}

function text(params: JsonObject, key: string): string {
  const value: JsonValue | undefined = Object.hasOwn(params, key) ? params[key] : undefined;
  if (value === undefined || value === null) throw badParam(`need ${key}`);
  const known = keyText(value);
  if (known !== undefined) return known;
  if (typeof value === "object") throw badParam(`${key} is to be a text`);
  return String(value);
}

function badParam(message: string): ProtocolError {
  return new ProtocolError(message, ReplyCode.BadParam);
}
