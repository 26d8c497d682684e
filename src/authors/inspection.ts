import * as v from "valibot";
import type { Grants } from "../modules/grants.ts";
import type { OriginalPlace } from "../modules/original_names.ts";
import type { ReadablePlace } from "../ring/messages.ts";
import type { JsonObject } from "../plugin.ts";

/** What a plugin's module says of itself. */
export type PluginDescription = v.InferOutput<typeof PLUGIN>;

/** A permission that was asked for and refused: its kind, and what it was asked for, where that is known. */
export type Refusal = v.InferOutput<typeof REFUSAL>;

/** What came of loading a plugin in a worker of its own. */
export interface Inspection {
  /** Null where it does not load. */
  readonly plugin: PluginDescription | null;
  /**
   * All that keeps it from loading, or is a mistake in one that loads, with the place, or the lines of the trace, that lie
   * in its code.
   */
  readonly problems: readonly string[];
  /** What is hardly meant, with its place: members that mevent does not know. */
  readonly warnings: readonly string[];
  /** What its code asked for while it loaded and did not get, also where it went on without. */
  readonly refused: readonly Refusal[];
}

// A plugin may post what it likes: nothing is taken unseen.
const TEXT = v.pipe(v.string(), v.maxLength(8192));
const NUMBER = v.pipe(v.number(), v.integer());
const REFUSAL = v.object({ kind: TEXT, target: TEXT });
const COMMAND = v.object({
  number: NUMBER,
  name: TEXT,
  description: TEXT,
  idempotent: v.boolean(),
  /** Whether its params have a schema. */
  schema: v.boolean(),
  batch: v.nullable(v.object({ max: NUMBER, wait: TEXT })),
});
const TIMER = v.object({ name: TEXT, schedule: TEXT });
const PLUGIN = v.object({
  name: TEXT,
  biz: v.nullable(NUMBER),
  description: TEXT,
  concurrency: NUMBER,
  sync: v.boolean(),
  commands: v.pipe(v.array(COMMAND), v.maxLength(65_535)),
  timers: v.pipe(v.array(TIMER), v.maxLength(1000)),
  /** Which of start, stop and health it has. */
  hooks: v.pipe(v.array(TEXT), v.maxLength(10)),
});
/** Of what the worker posts. */
export const INSPECTION = v.object({
  plugin: v.nullable(PLUGIN),
  problems: v.pipe(v.array(TEXT), v.maxLength(100_000)),
  warnings: v.pipe(v.array(TEXT), v.maxLength(1000)),
  refused: v.pipe(v.array(REFUSAL), v.maxLength(1000)),
});

/** What the worker that inspects is told. */
export interface InspectMessage {
  /** `builtin:NAME`, or the URL of a prepared module. */
  readonly module: string;
  /** What a plugin may be made from. */
  readonly settings: { readonly name: string; readonly config: JsonObject };
  readonly grants: Grants;
  /** As for a plugin's host. */
  readonly readable: readonly ReadablePlace[] | null;
  /** What the module is a copy of; null where it is none. */
  readonly original: OriginalPlace | null;
  readonly port: MessagePort;
}
