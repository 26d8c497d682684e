import { WatchedServer } from "../support/watched_server.ts";

/** The plugin of the good clients: what is spoiled does not know its name. */
export const WITNESS = "witness";

/** Small bounds, so that what grows over them shows, and short times. */
const CONFIG = `
[server]
drain_timeout = "2s"
max_queue_bytes = "64 MiB"
slow_reader_timeout = "5s"
log_level = "warn"
log_format = "json"

[[plugin]]
name = "skeleton"
module = "builtin:skeleton"
cache = { max_entries = 1_000, max_bytes = "1 MiB" }

[[plugin]]
name = "echo"
module = "builtin:echo"
timeout = "2s"
queue = { max_ops = 20_000, max_bytes = "8 MiB" }
cache = { max_entries = 1_000, max_bytes = "1 MiB" }

[[plugin]]
name = "params"
module = "PLUGINS/params.js"
concurrency = 256
timeout = "PARAMS_TIMEOUT"
ttl = "5s"
max_delay = "1s"
retry = { max_attempts = 2, backoff = "10ms", max_backoff = "100ms" }
dedup = { window = "1s", max_keys = 1_000, max_bytes = "1 MiB" }
dead = { max_ops = 100, max_bytes = "1 MiB" }
queue = { max_ops = 20_000, max_bytes = "8 MiB" }
cache = { max_entries = 1_000, max_bytes = "1 MiB" }

[[plugin]]
name = "${WITNESS}"
biz = 77
module = "builtin:echo"
concurrency = 1
`;

/**
 * A server to be fuzzed: the executable, or from source where there is none.
 *
 * @param paramsTimeout of the plugin `params`, whose calls of the cache wait for the main thread: on a machine with much else
 * to do that gets seconds of its time only after many more
 */
export function startFuzzServer(mevent: string | undefined, paramsTimeout = "2s"): Promise<WatchedServer> {
  return WatchedServer.start({ mevent, config: CONFIG.replace("PARAMS_TIMEOUT", paramsTimeout) });
}
