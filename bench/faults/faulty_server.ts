import { WatchedServer } from "../support/watched_server.ts";

/** The plugin of the callers who are not to notice anything. */
export const WITNESS = "witness";
/** Plugins that fail; several, since one whose worker has died often is started again after ever longer pauses. */
export const FAULTY = Array.from({ length: 6 }, (_, index) => `faulty-${index}`);

/** An operation's time, in ms: short, so that what hangs is over soon. */
export const TIMEOUT_MS = 100;

/** What else goes wrong with a server while its plugins and clients do. */
export const SURROUNDINGS = ["none", "full disk", "unread log", "few descriptors"] as const;
export type Surroundings = typeof SURROUNDINGS[number];

/**
 * With few descriptors it may have so many, and more for each round, as Deno leaves some open for each worker that has ended:
 * enough to run, too few for all who call.
 */
const FEW_DESCRIPTORS = 195;
const DESCRIPTORS_A_ROUND = 0.7;

const SERVER = `
[server]
drain_timeout = "15s"
realtime = true
max_connections_per_address = 0
max_unread_reply_bytes = "64 KiB"
slow_reader_timeout = "1s"
log_format = "json"

[[plugin]]
name = "${WITNESS}"
biz = 77
module = "builtin:echo"
concurrency = 1
`;

/** One of them is a process of its own, so that it can be killed. */
function faulty(name: string, index: number): string {
  return `
[[plugin]]
name = "${name}"
module = "PLUGINS/faulty.js"
workers = 2
timeout = "${TIMEOUT_MS}ms"
grace = "100ms"
isolation = "${index === 0 ? "process" : "worker"}"
retry = { max_attempts = ${index === 1 ? 3 : 1}, backoff = "10ms", max_backoff = "50ms" }
queue = { max_ops = 2_000, max_bytes = "4 MiB" }
`;
}

export function startFaultyServer(
  mevent: string | undefined,
  surroundings: Surroundings,
  rounds: number,
): Promise<WatchedServer> {
  const config = SERVER + FAULTY.map(faulty).join("");
  switch (surroundings) {
    case "none":
      return WatchedServer.start({ mevent, config });
    case "full disk":
      return WatchedServer.start({ mevent, config, log: "full" });
    case "unread log":
      return WatchedServer.start({ mevent, config, log: "unread" });
    case "few descriptors":
      return WatchedServer.start({
        mevent,
        config,
        descriptors: FEW_DESCRIPTORS + Math.ceil(rounds * DESCRIPTORS_A_ROUND),
      });
  }
}
