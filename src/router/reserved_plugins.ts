import type { JsonObject } from "../plugin.ts";
import type { ServerCounters, ServerStats } from "../observe/server_stats.ts";
import { spells } from "../protocol/bytes.ts";

/** The server's own counters, as the C daemon names them. */
const STATUS = "Reserve.Status";
/** Everything the server counts, for `mevent stats`. */
const STATS = "Reserve.Stats";

/** Where an operation is, or what it came to, for `mevent result`. */
const RESULT = "Reserve.Result";
/** Takes a token; see {@link Gate}. */
const AUTH = "Reserve.Auth";

/** Whether the name asks for an operation's state. */
export function isResult(bytes: Uint8Array, at: number, length: number): boolean {
  return spells(bytes, at, length, RESULT);
}

/** Whether the name is that of the login. */
export function isLogin(bytes: Uint8Array, at: number, length: number): boolean {
  return spells(bytes, at, length, AUTH);
}

/** Whether it is one that tells figures of the server. */
export function tellsFigures(bytes: Uint8Array, at: number, length: number): boolean {
  return spells(bytes, at, length, STATUS) || spells(bytes, at, length, STATS);
}

/** Whether it is one by which the server itself is asked: nothing is queued then. */
export function isReserved(bytes: Uint8Array, at: number, length: number): boolean {
  return tellsFigures(bytes, at, length) || isResult(bytes, at, length) || isLogin(bytes, at, length);
}

/** Whether the name is the one that clients of old ask for. */
export function isStatus(bytes: Uint8Array, at: number, length: number): boolean {
  return spells(bytes, at, length, STATUS);
}

/** What makes the answer of a reserved plugin name, or null where the name is none. */
export function reservedAnswer(
  bytes: Uint8Array,
  at: number,
  length: number,
  counters: ServerCounters,
  stats: () => ServerStats,
): (() => JsonObject) | null {
  if (isStatus(bytes, at, length)) return () => status(counters);
  if (spells(bytes, at, length, STATS)) return stats;
  // Whoever logs in where nobody is asked for it is told that it is nobody in particular.
  if (isLogin(bytes, at, length)) return () => ({ name: "" });
  return null;
}

/** A Unix socket has the place of TIPC; there is no SCTP. */
function status(counters: ServerCounters): JsonObject {
  return {
    msg_tipc: counters.unixMessages,
    msg_tcp: counters.tcpMessages,
    msg_udp: counters.udpMessages,
    msg_sctp: 0,
    net_version_mismatch: counters.versionMismatches,
    net_broken_req: counters.brokenRequests,
    net_unk_req: counters.unknownPlugins,
    pro_busy: counters.busy,
  };
}
