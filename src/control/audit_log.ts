import type { Log } from "../observe/log.ts";
import type { JsonObject } from "../plugin.ts";
import type { Actor } from "./actor.ts";
import { AuditFile } from "./audit_file.ts";
import { shown } from "./control_request.ts";

/** Entries that are kept in memory. */
export const MAX_KEPT = 1000;
/** What an entry keeps of a long text or list, in UTF-16 units and elements. */
const MAX_TEXT = 1000;
const MAX_LISTED = 100;

/** One change of the running server, or one that was refused. */
export interface AuditEntry extends JsonObject {
  /** They count from 1 at each start. */
  seq: number;
  /** ms since 1970 */
  at: number;
  who: { by: Actor["by"]; name: string | null; address: string | null; uid: number | null };
  /** The control command: `pause`, `retry-dead`. */
  action: string;
  plugin: string | null;
  /** What was asked for beside that; never params of operations. */
  details: JsonObject;
  /** "begun" is told before what goes on for long, and its end by another entry. */
  outcome: "done" | "begun" | "refused" | "failed";
  /** What the answer has told. */
  result: JsonObject;
  /** Why it was refused, or has failed. */
  message: string | null;
}

/** What is known of a change when it is noted. */
export type Change = Pick<AuditEntry, "action" | "plugin" | "details" | "outcome" | "result" | "message">;

/** Who has changed what: the newest of it in memory, all of it in the log, and in a file where the config names one. */
export class AuditLog {
  readonly #kept: AuditEntry[] = [];
  #last = 0;
  readonly #file: AuditFile;

  /** @param clock the time of day, in ms */
  constructor(readonly log: Log, readonly clock: () => number) {
    this.#file = new AuditFile(log);
  }

  note(actor: Actor, change: Change): void {
    const { by, name, address, uid } = actor;
    const entry: AuditEntry = {
      seq: ++this.#last,
      at: this.clock(),
      who: { by, name, address, uid },
      ...change,
      details: bounded(change.details),
      result: bounded(change.result),
    };
    this.#kept.push(entry);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    this.#tell(entry);
    this.#file.write(`${JSON.stringify({ ...entry, at: new Date(entry.at).toISOString() })}\n`);
  }

  /** The number of the newest entry; 0 where there is none. */
  get last(): number {
    return this.#last;
  }

  /** Entries behind that number, the oldest first, at most so many of the newest. */
  after(seq: number, limit: number): AuditEntry[] {
    return this.#kept.filter((entry) => entry.seq > seq).slice(-limit);
  }

  /** Notes in that file from now on, "" for none; opens it anew where it is the same. Throws the system's error; all is as before then. */
  open(path: string): void {
    this.#file.open(path);
  }

  /** Resolves when all is written and the file is closed. */
  close(): Promise<void> {
    return this.#file.close();
  }

  #tell({ who, action, plugin, details, outcome, result, message }: AuditEntry): void {
    const known = Object.fromEntries(Object.entries(who).filter(([, value]) => value !== null));
    const fields = { ...plugin === null ? {} : { plugin }, ...details, ...known };
    if (outcome === "refused") {
      const request = shown({ command: action, ...plugin === null ? {} : { plugin }, ...details });
      this.log.warn("control: refused", { request, reason: message, ...known });
    } else if (outcome === "failed") {
      this.log.error(`control: ${action} failed`, { ...fields, error: message });
    } else this.log.info(`control: ${action}`, { ...fields, outcome, result });
  }
}

/** The same without what would make an entry long. */
function bounded(values: JsonObject): JsonObject {
  const entries = Object.entries(values).map(([key, value]) => {
    if (typeof value === "string" && value.length > MAX_TEXT) return [key, `${value.slice(0, MAX_TEXT)}…`];
    if (Array.isArray(value) && value.length > MAX_LISTED) {
      return [key, [...value.slice(0, MAX_LISTED), `… ${value.length - MAX_LISTED} more`]];
    }
    return [key, value];
  });
  return Object.fromEntries(entries);
}
