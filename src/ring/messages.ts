import type { Grants } from "../modules/grants.ts";
import type { OriginalPlace } from "../modules/original_names.ts";
import type { JsonObject } from "../plugin.ts";
import type { LogLevel } from "../observe/log.ts";
import type { ContentLimit, ContentLimits } from "../protocol/content_limits.ts";
import type { BeatMemory } from "./heartbeat.ts";
import type { RingMemory } from "./ring.ts";

/** A file, or a folder with all beneath it, that a plugin's worker may read. */
export interface ReadablePlace {
  readonly path: string;
  /** Its device and inode: a worker that may read it may not read what stands at its path later. */
  readonly id: string;
}

/** Timers that a plugin may have. */
export const MAX_TIMERS = 100;
/** The longest name of one, in UTF-16 units. */
export const MAX_TIMER_NAME = 200;
/** The shortest `every`, in ms. */
export const MIN_EVERY_MS = 10;

/** The four rings of a worker: operations in and replies out, by lane. */
export interface WorkerRings {
  readonly sync: RingMemory;
  readonly async: RingMemory;
  readonly syncReplies: RingMemory;
  readonly asyncReplies: RingMemory;
}

/** What a worker is started with. */
export interface HostSetup {
  readonly name: string;
  readonly biz: number | undefined;
  readonly worker: number;
  /** What tells the operations of this plugin from those of others, of other servers and of earlier starts; those that outlive a start keep it. */
  readonly run: string;
  /** The same for its sync operations, which outlive no start: no number that a start before has given out is theirs. */
  readonly syncRun: string;
  /** `builtin:NAME`, or the URL of a prepared module. */
  readonly module: string;
  /** What the module is a snapshot of; null where it is none. */
  readonly original: OriginalPlace | null;
  /** What the config grants, for errors to say what is missing. */
  readonly grants: Grants;
  /** The kernel is to let the worker read this alone; null where it is not to be asked. */
  readonly readable: readonly ReadablePlace[] | null;
  readonly config: JsonObject;
  /** Overrides the plugin's own. */
  readonly concurrency: number | undefined;
  /** Of one operation, in ms. */
  readonly timeout: number;
  /** What an operation gets to end in after its time-out, in ms. */
  readonly grace: number;
  /** The plugin's health is asked for this often, in ms; 0 is never. */
  readonly healthInterval: number;
  /** A worker that takes longer to be ready is given up, in ms; without it, after 30 s. */
  readonly startTimeout?: number;
  /** Longest content of a reply, and of the params of a call to another plugin, in bytes. */
  readonly maxReplyBytes: number;
  /** The server has started the plugin with this worker and those beside it: nothing has run before. */
  readonly first: boolean;
  /** It logs the members of the plugin that mevent does not know: one worker does, when the code is new. */
  readonly tellsRemarks: boolean;
  /** Of the params of one operation. */
  readonly contentLimits: ContentLimits;
  readonly exposeTrace: boolean;
  readonly rings: WorkerRings;
  readonly beats: BeatMemory;
}

/** What a plugin's module says of itself, as the main thread gets it. */
export interface PluginDeclaration {
  /** The config's business number, else the plugin's own. */
  readonly biz: number | undefined;
  readonly description: string;
  readonly concurrency: number;
  readonly commands: readonly CommandDeclaration[];
  readonly timers: readonly TimerDeclaration[];
  /** Params that its first command takes, as JSON; null where that is not known. */
  readonly example: string | null;
  /** It has timers, a `start` or a `health`: where nothing else is said, one worker is always there. */
  readonly isStanding: boolean;
}

/** What a module declares, learned without starting the plugin. */
export interface ModuleSurvey {
  readonly declaration: PluginDeclaration;
  /** What is said of the plugin that keeps nobody from running it. */
  readonly remarks: readonly string[];
}

/** What is needed to load a module that has no config. */
export type SurveySetup = Pick<HostSetup, "name" | "module" | "biz" | "concurrency" | "first" | "original">;

/** Modules to be loaded for what they declare, in one thread. */
export interface SurveyOrder {
  readonly setups: readonly SurveySetup[];
  /** The kernel is to let the thread read this alone; null where it is not to be asked. */
  readonly readable: readonly ReadablePlace[] | null;
  /** Modules are not mevent's own. */
  readonly isFenced: boolean;
}

export interface CommandDeclaration {
  readonly number: number;
  readonly name: string;
  readonly description: string;
  readonly idempotent: boolean;
  /** Of a batch command: how many operations at most, and how long the first of them waits, in ms. */
  readonly batch: { readonly max: number; readonly wait: number } | null;
  /** The JSON Schema of its params, as text; left out where its library does not tell one. */
  readonly schema?: string;
}

export interface TimerDeclaration {
  readonly name: string;
  /** For people: `every 5s`, `cron 0 3 * * * Europe/Berlin`. */
  readonly schedule: string;
}

/** How a timer is where it runs. Times are in ms since 1970. */
export interface TimerReport {
  readonly name: string;
  /** Since when it runs; null where it waits. */
  readonly begunAt: number | null;
  /** When it is due next; null where it runs, or no time comes any more. */
  readonly dueAt: number | null;
  /** How its last run was; null where there was none in this worker. */
  readonly last: TimerOutcome | null;
}

export interface TimerOutcome {
  readonly at: number;
  readonly tookMs: number;
  readonly outcome: "done" | "failed" | "aborted";
  /** Why it failed; null where it did not. */
  readonly message: string | null;
}

/** Main thread to worker. Operations do not travel this way but over the rings. */
export type ToHost =
  | { readonly kind: "start"; readonly setup: HostSetup }
  /** The thread is there for that alone. */
  | { readonly kind: "survey" } & SurveyOrder
  | { readonly kind: "stop" }
  /** No batch is to wait for further operations from now on. */
  | { readonly kind: "hurry" }
  /** Aborts the signal of an operation, where it still runs. */
  | { readonly kind: "cancel"; readonly slot: number; readonly sequence: number }
  | { readonly kind: "cache"; readonly id: number; readonly result: CacheResult }
  /** What has become of a call: the content is JSON, of the result or of the error; null where there is none. */
  | { readonly kind: "called"; readonly id: number; readonly code: number; readonly content: string | null }
  /** The plugin's timers are this worker's, or are not any more; it confirms that with `timers ended`. */
  | { readonly kind: "timers"; readonly run: boolean }
  /** A timer that waits here is to run now. */
  | { readonly kind: "run timer"; readonly name: string };

export type CacheRequest =
  | { readonly operation: "get" | "delete"; readonly key: string }
  | { readonly operation: "set"; readonly key: string; readonly value: string; readonly expire: number }
  | { readonly operation: "incr"; readonly key: string; readonly by: number; readonly expire: number }
  | {
    readonly operation: "cas";
    readonly key: string;
    /** Null where there is to be none. */
    readonly expected: string | null;
    readonly value: string;
    readonly expire: number;
  }
  | { readonly operation: "clear" }
  /** The next part of a walk, by the number that the worker has given it. */
  | { readonly operation: "walk"; readonly walk: number; readonly begins: boolean }
  | { readonly operation: "end walk"; readonly walk: number };

/** Key, value, and what is left of its time in seconds; 0 is for good. */
export type CacheEntry = readonly [key: string, value: string, expire: number];

/** The value or null; what was asked for was done; the sum; why not; or a part of a walk. */
export type CacheResult =
  | string
  | number
  | boolean
  | null
  | { readonly entries: readonly CacheEntry[]; readonly done: boolean };

/** Where a worker holds an operation: its slot, and the sequence number by which that is its own. */
export interface OperationPlace {
  readonly slot: number;
  readonly sequence: number;
}

/** An operation for another plugin, or the same one. */
export interface CallRequest {
  readonly id: number;
  /** Name, or business number in decimal. */
  readonly plugin: string;
  readonly command: number;
  /** The result is waited for. */
  readonly sync: boolean;
  /** As JSON. */
  readonly params: string;
  /** How many calls have led to it, this one included. */
  readonly hops: number;
  /** The operation that makes it, which keeps its place meanwhile; null where it is none. */
  readonly operation: OperationPlace | null;
}

/** How far an operation is, as its command says. */
export interface Progress {
  /** Not negative. */
  readonly done: number;
  /** Of so much; null where that is not known. */
  readonly total: number | null;
  readonly note: string;
}

/** The longest note of one, in UTF-16 units. */
export const MAX_NOTE_CHARS = 200;

/** What a worker has counted since it reported last. */
export interface FigureReport {
  /** The plugin's own counters, as what was added. */
  readonly counters: [string, number][];
  /** Its gauges, as they stand. */
  readonly gauges: [string, number][];
  /** How often params went over a limit, and how often the plugin reported a figure over the number that is kept. */
  readonly limits: { readonly [limit in ContentLimit | "figures"]: number };
}

/** Worker to main thread. */
export type FromHost =
  | { readonly kind: "ready"; readonly declaration: PluginDeclaration }
  | { readonly kind: "failed"; readonly message: string }
  /** The module with that index is being loaded for what it declares. */
  | { readonly kind: "surveying"; readonly index: number }
  /** What it declares; null where it did not load. */
  | { readonly kind: "surveyed"; readonly index: number; readonly survey: ModuleSurvey | null }
  /** With what the plugin's `stop` threw, as a sentence; null where it did not. */
  | { readonly kind: "stopped"; readonly problem: string | null }
  /** An operation has not ended within its time-out and its grace. */
  | { readonly kind: "overdue"; readonly command: number }
  /** What keeps the plugin from its work, or null where nothing does any more. */
  | { readonly kind: "health"; readonly problem: string | null }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly fields: JsonObject }
  | { readonly kind: "stats" } & FigureReport
  /** How far operations are that run: the newest word on each. */
  | { readonly kind: "progress"; readonly operations: readonly (OperationPlace & Progress)[] }
  /** How timers are that run here: the newest word on each. */
  | { readonly kind: "timers told"; readonly timers: readonly TimerReport[] }
  /** None of the plugin's timers runs here any more. */
  | { readonly kind: "timers ended" }
  | ServiceRequest;

/** What a worker asks of the server. */
export type ServiceRequest =
  | { readonly kind: "cache"; readonly id: number; readonly request: CacheRequest }
  | { readonly kind: "call" } & CallRequest
  /** Nobody waits for that call any more. */
  | { readonly kind: "uncall"; readonly id: number }
  /** It has taken what became of calls, with contents of so many UTF-16 units since it said so last. */
  | { readonly kind: "taken"; readonly chars: number };
