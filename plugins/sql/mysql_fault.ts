import { DatabaseError, type Fault, faultFrom } from "./database.ts";

/** Deadlock; a wait for a lock that was given up, or was not to be; a transaction that a cluster has turned down. */
const CONFLICTS = [1020, 1205, 1213, 3058, 3101, 3572];
/** The server is not there for this connection: too many, shut down, killed, read only, not part of its cluster, a statement forgotten. */
const LOST = [
  ...[
    1040,
    1042,
    1043,
    1047,
    1053,
    1077,
    1079,
    1080,
    1129,
    1130,
    1152,
    1156,
    1157,
    1158,
    1159,
    1160,
    1161,
    1184,
    1203,
    1226,
  ],
  ...[1243, 1290, 1317, 1615, 1792, 1836, 1927, 1969, 2006, 2013, 3024, 3100, 3168, 4031, 9001, 9002, 9006],
];
/** It has no memory, disk, threads, files or locks; its engine or a table's file fails, whatever the row. */
const SERVER = [
  ...[
    1015,
    1016,
    1021,
    1026,
    1028,
    1030,
    1036,
    1037,
    1038,
    1041,
    1114,
    1135,
    1180,
    1182,
    1194,
    1195,
    1206,
    1223,
    1297,
    1461,
  ],
];
/**
 * The row, where the SQLSTATE says HY000 or something else of many meanings: a value that does not fit its column; no value where there
 * is no default; a CHECK; what a trigger SIGNALs; a row above the engine's, or the packet's, size; params that are not those of the
 * statement.
 */
const ROW = [
  ...[
    1048,
    1062,
    1118,
    1139,
    1153,
    1210,
    1264,
    1265,
    1292,
    1364,
    1366,
    1369,
    1406,
    1411,
    1423,
    1451,
    1452,
    1526,
    1644,
    1690,
  ],
  ...[1748, 3140, 3141, 3156, 3819, 4025, 4161],
];
/** A subquery's rows, data, integrity, a view's CHECK OPTION. */
const ROW_CLASSES = ["21", "22", "23", "44"];
/** What a trigger raises by a number of its own: servers' numbers are below. */
const OWN_FROM = 20_000;

/** An error of the driver as one of ours, by its number and SQLSTATE; what Deno throws for a permission that is missing stays what it is. */
export function faultOf(error: unknown, place: string): unknown {
  if (
    !(error instanceof Error) || error instanceof DatabaseError || error instanceof Deno.errors.NotCapable
  ) return error;
  const message = error.message || String("code" in error ? error.code : error.name);
  return faultFrom(error, faultKind(error), place, message);
}

function faultKind(error: Error): Fault {
  const number = "errno" in error && typeof error.errno === "number" ? error.errno : 0;
  const state = "sqlState" in error && typeof error.sqlState === "string" ? error.sqlState : "";
  // What is not of the server is of the connection.
  if (number < 1000 || state === "") return "lost";
  if (LOST.includes(number)) return "lost";
  if (SERVER.includes(number)) return "server";
  if (CONFLICTS.includes(number) || state.startsWith("40")) return "conflict";
  if (ROW.includes(number) || number >= OWN_FROM || ROW_CLASSES.includes(state.slice(0, 2))) return "row";
  return state.startsWith("08") ? "lost" : "unclear";
}
