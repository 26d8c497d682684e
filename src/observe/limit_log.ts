import type { JsonObject } from "../plugin.ts";
import type { Log, LogLevel } from "./log.ts";

/** A line about one limit is followed by another one after so long at the earliest, in ms. */
const TELL_EVERY_MS = 1000;

/**
 * The limits that may be reached, most by the key of the config that sets them, and what is said then. Those of level
 * info are reached by callers who do nothing wrong.
 */
const LIMITS = [
  ["max_connections", "warn", "a connection was refused: there are max_connections already"],
  ["max_connections_per_address", "warn", "a connection was refused: its address has too many already"],
  ["allow", "warn", "a connection or a datagram was refused: its listener does not allow its address"],
  ["login", "warn", "a login was refused"],
  ["max_login_failures", "warn", "a refused login waits for its answer: its address has failed too often"],
  ["auth_timeout", "info", "a connection was closed: it did not log in within auth_timeout"],
  ["rights", "warn", "a request was refused: who sent it lacks the right to it"],
  ["rate", "info", "a request was refused: its token is used more often than its rate allows"],
  ["rate_per_address", "info", "a request was refused: more come from its address than rate_per_address"],
  ["descriptors", "warn", "a connection was refused: the process has no file descriptor left"],
  [
    "max_frame",
    "warn",
    "a connection was closed: its message is to be longer than max_frame, or 8 bytes or less",
  ],
  ["max_in_flight", "info", "a connection waits: it has max_in_flight operations unanswered"],
  ["max_unread_reply_bytes", "info", "a connection waits: it reads its replies slower than it asks for them"],
  ["slow_reader_timeout", "warn", "a connection was closed: it did not read its replies"],
  ["frame_timeout", "warn", "a connection was closed: it did not end a message within frame_timeout"],
  [
    "handshake_timeout",
    "warn",
    "a connection was closed: its TLS handshake did not end within handshake_timeout",
  ],
  ["tls_handshake", "warn", "a connection was closed: its TLS handshake failed"],
  ["tls_on_plain", "warn", "a connection was closed: it speaks TLS, and its listener does not"],
  ["keep_alive_timeout", "debug", "an HTTP connection was closed: no request came within keep_alive_timeout"],
  ["idle_timeout", "info", "a connection was closed: it sent nothing for idle_timeout"],
  ["udp_loops", "warn", "a datagram was dropped: it may be a reply, or says that it is from this server"],
  ["udp_reply_ratio", "warn", "a reply by UDP was too large for its request: a smaller one went out"],
  ["max_udp_errors", "warn", "an error reply by UDP was not sent: its address gets too many"],
  ["udp_status", "warn", "a reply of Reserve.Status by UDP was not sent: its address gets too many"],
  ["max_depth", "warn", "an operation was refused: its params nest deeper than max_depth"],
  ["max_keys", "warn", "an operation was refused: its params have more than max_keys keys"],
  ["cache", "debug", "a cache is full: an entry that was unused for longest went, or one was too large"],
  ["journal", "warn", "an operation was refused: its plugin's journal does not take it"],
  [
    "forward",
    "warn",
    "a request was refused: the server that it is forwarded to has more to do than it gets done",
  ],
  [
    "dedup",
    "warn",
    "an operation was refused: its plugin works on too many with a mevent.key already",
  ],
  ["control_connections", "warn", "a control connection was refused: there are too many already"],
  ["figures", "warn", "a plugin reports too many figures of its own; the further ones are dropped"],
] as const;

/** A limit that may be reached. */
export type Limit = typeof LIMITS[number][0];

/** One limit: how often it was reached, and what has not been told of it. */
interface Reached {
  readonly level: LogLevel;
  readonly sentence: string;
  count: number;
  untold: number;
  /** Of the last time. */
  fields: JsonObject;
  /** When its last line was written, monotonic in ms; undefined where the next one may be at once. */
  toldAt: number | undefined;
}

/** Counts how often each limit was reached, and says it at most once a second each. */
export class LimitLog {
  readonly #limits = new Map<Limit, Reached>();

  /** @param now monotonic, in ms */
  constructor(readonly log: Log, readonly now: () => number) {
    for (const [limit, level, sentence] of LIMITS) {
      this.#limits.set(limit, { level, sentence, count: 0, untold: 0, fields: {}, toldAt: undefined });
    }
  }

  /** Counts it, and tells it now or with what else happens within the second. */
  reached(limit: Limit, fields: JsonObject = {}, times = 1): void {
    const state = this.#limits.get(limit)!;
    state.count += times;
    state.untold += times;
    state.fields = fields;
    if (state.toldAt === undefined) this.#tell(limit, state);
  }

  /** Counts it and says nothing. */
  count(limit: Limit, times: number): void {
    this.#limits.get(limit)!.count += times;
  }

  /** How often each was reached since the start. */
  get counts(): { [limit: string]: number } {
    return Object.fromEntries([...this.#limits].map(([limit, { count }]) => [limit, count]));
  }

  /** Tells what has collected, here and in the log; to be called about every second. */
  tick(): void {
    this.log.tick();
    const since = this.now() - TELL_EVERY_MS;
    for (const [limit, state] of this.#limits) {
      if (state.toldAt === undefined || state.toldAt > since) continue;
      if (state.untold > 0) this.#tell(limit, state);
      else state.toldAt = undefined;
    }
  }

  /** Tells what has collected, whenever that was. */
  flush(): void {
    for (const [limit, state] of this.#limits) if (state.untold > 0) this.#tell(limit, state);
  }

  #tell(limit: Limit, state: Reached): void {
    const { untold, fields } = state;
    state.untold = 0;
    state.toldAt = this.now();
    this.log.write(state.level, state.sentence, { limit, ...fields, ...untold > 1 ? { times: untold } : {} });
  }
}
