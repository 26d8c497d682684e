import { DatabaseError, type Fault, faultFrom } from "./database.ts";

/** What single SQLSTATEs and their classes mean for a transaction; the first that fits counts. */
const MEANINGS: readonly (readonly [start: string, Fault])[] = [
  // Deadlock, serialization failure, and waits that were given up.
  ["40", "conflict"],
  ["55P03", "conflict"],
  ["57014", "conflict"],
  // Params that are not those of the statement: it would go on for ever.
  ["08P01", "row"],
  // Connections; a pooler has changed the server behind this one; read only, or a transaction that timed out; shut down.
  ["08", "lost"],
  ["26", "lost"],
  ["25", "lost"],
  ["57P", "lost"],
  // Resources, objects in use, the operator, the system, the config's files, foreign servers, snapshots.
  ["53", "server"],
  ["55", "server"],
  ["57", "server"],
  ["58", "server"],
  ["F0", "server"],
  ["HV", "server"],
  ["72", "server"],
  // A generated column, a wrong type by a trigger's hand: 42 is else of the statement.
  ["428C9", "row"],
  // Several rows where one was to be, data, integrity, triggers and functions, a view's CHECK OPTION.
  ...["09", "21", "22", "23", "27", "2F", "38", "39", "44", "P0"].map((start) => [start, "row"] as const),
];
/** All other classes that the server itself has; those that it has not come from a trigger, and are of the row. */
const OTHERS = /^(?:0[0-9A-Z]|1[0-9A-Z]|2[0-9A-Z]|3[0-9A-Z]|4[0-9A-Z]|5[0-9A-Z]|F0|HV|XX)/;
/** Where the server looks at the policies of a table's rows; its code is that of a missing right. Routines have the same names in all languages. */
const OF_POLICIES = "ExecWithCheckOptions";

interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly routine?: string;
  readonly detail?: string;
}

/** An error of the driver as one of ours, by its SQLSTATE; what Deno throws for a permission that is missing stays what it is. */
export function faultOf(error: unknown, place: string): unknown {
  if (
    !(error instanceof Error) || error instanceof DatabaseError || error instanceof Deno.errors.NotCapable
  ) return error;
  const message = error.message || String("code" in error ? error.code : error.name);
  // Without a SQLSTATE it is the connection's.
  if (!isOfServer(error)) return faultFrom(error, "lost", place, message);
  const fault = faultKind(error);
  return faultFrom(
    error,
    fault,
    place,
    fault === "row" && error.detail !== undefined ? `${message}: ${error.detail}` : message,
  );
}

/** The server's code for an error of ours; "" where it has none. */
export function stateOf(error: unknown): string {
  const cause = error instanceof DatabaseError ? error.cause : undefined;
  return cause instanceof Error && isOfServer(cause) ? cause.code : "";
}

function isOfServer(error: Error): error is ServerError {
  return "code" in error && typeof error.code === "string" && "severity" in error;
}

function faultKind({ code, severity, routine }: ServerError): Fault {
  // A pooler's way of ending a connection.
  if (code === "08P01" && severity === "FATAL") return "lost";
  if (code === "42501" && routine === OF_POLICIES) return "row";
  const known = MEANINGS.find(([start]) => code.startsWith(start))?.[1];
  return known ?? (OTHERS.test(code) ? "unclear" : "row");
}
