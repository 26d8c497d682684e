import { DatabaseError, type Fault, faultFrom } from "./database.ts";

/**
 * What the classes of SQLSTATE, or single codes, mean for a transaction. What is not here is the
 * row's own: a constraint, a type, an exception of a trigger.
 */
const MEANINGS: readonly (readonly [string, Fault])[] = [
  // Deadlock, serialization failure, and waits that were given up.
  ["40", "conflict"],
  ["55P03", "conflict"],
  ["57014", "conflict"],
  // Connections; wrong user or database; no resources; shut down; a standby; a crash.
  ["08", "lost"],
  ["28", "setup"],
  ["3D000", "setup"],
  ["53", "lost"],
  ["57P", "lost"],
  ["25", "lost"],
  // A prepared statement is gone: a pooler has changed the connection behind it.
  ["26", "lost"],
  // A table, column or right that was there when the worker started.
  ["42P01", "setup"],
  ["42703", "setup"],
  ["42501", "setup"],
  ["58", "lost"],
  ["XX", "lost"],
];

/** An error of the driver as one of ours; what Deno throws for a permission that is missing stays what it is. */
export function faultOf(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseError || isPermission(error)) return error;
  const code = "code" in error && typeof error.code === "string" && "severity" in error
    ? error.code
    : undefined;
  // Without a SQLSTATE it is the connection's.
  // A prepared query whose table was altered since is known to this connection alone.
  const fault: Fault = code === undefined || error.message.startsWith("cached plan must not change")
    ? "lost"
    : error.message.includes("row-level security")
    ? "row"
    : MEANINGS.find(([start]) => code.startsWith(start))?.[1] ?? "row";
  const message = error.message || String("code" in error ? error.code : error.name);
  const detail = fault === "row" && "detail" in error && typeof error.detail === "string"
    ? `${message}: ${error.detail}`
    : message;
  return faultFrom(error, fault, place, detail);
}

function isPermission(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable;
}

/** Whether a read tried to write. */
export function isWriteInRead(error: unknown): boolean {
  const cause = error instanceof DatabaseError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "25006";
}
