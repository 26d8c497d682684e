import { createHash } from "node:crypto";
import { errorText } from "../pool/summaries.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { messagePattern } from "./message_pattern.ts";
import { commandName } from "./operation_row.ts";
import type { FailureGroup } from "./told.ts";

/** Groups that are told: those that failed last. */
export const MAX_GROUPS = 200;
/** Dead letters that one look takes in, of all plugins together. */
const MAX_LOOKED = 1_000_000;
/** Letters that are looked at before the clock is. */
const CLOCK_EVERY = 16;
/** The longest that a look takes of the thread's time, in ms. */
const MAX_TIME_MS = 1000;

/** Which dead letters are meant; all where nothing is said. */
export interface FailureFilter {
  readonly plugin: string | null;
  readonly command: number | null;
  readonly code: number | null;
  readonly fingerprint: string | null;
  /** Those that have failed until then, in ms since 1970. */
  readonly untilAt: number | null;
}

/** A dead letter that a filter lets through. */
export interface MatchedLetter {
  readonly plugin: RoutedPlugin;
  readonly letter: DeadLetter;
}

export interface FailureLook {
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** What monotonic times of a plugin count from, in ms since 1970. */
  zeroOf(plugin: RoutedPlugin): number;
  /** Those whose failures are looked at, in order. */
  readonly plugins: readonly RoutedPlugin[];
  readonly filter: FailureFilter;
}

/** Goes through the dead letters of plugins, the newest first, bit by bit; each that was there all the while comes once. */
export class FailureScan {
  lookedAt = 0;
  /** It has come to its bounds before its end. */
  isCut = false;
  #plugin = 0;
  #order = Number.MAX_SAFE_INTEGER;
  #id = 0;
  #time = 0;

  /** @param found told of each letter that the filter lets through, and the cause that it is of; false where it wants no more */
  constructor(
    readonly look: FailureLook,
    readonly found: (matched: MatchedLetter, cause: Cause) => boolean,
  ) {}

  /** Looks on until that time; false where it is over. */
  step(until: number): boolean {
    const { plugins, now } = this.look;
    const begun = now();
    for (; this.#plugin < plugins.length; this.#plugin++) {
      if (this.#through(plugins[this.#plugin]!, until)) {
        this.#order = Number.MAX_SAFE_INTEGER;
        continue;
      }
      this.#time += now() - begun;
      this.isCut ||= this.lookedAt >= MAX_LOOKED || this.#time >= MAX_TIME_MS;
      return !this.isCut;
    }
    return false;
  }

  /** False where it is not through. */
  #through(plugin: RoutedPlugin, until: number): boolean {
    for (const { order, value } of plugin.pool.dead.lettersBefore(this.#order, this.#id)) {
      this.#order = order;
      this.#id = value.id;
      this.lookedAt++;
      if (!this.#take(plugin, value)) {
        this.isCut = true;
        return false;
      }
      if (this.lookedAt >= MAX_LOOKED) return false;
      if (this.lookedAt % CLOCK_EVERY === 0 && this.look.now() >= until) return false;
    }
    return true;
  }

  #take(plugin: RoutedPlugin, letter: DeadLetter): boolean {
    const { filter } = this.look;
    if (filter.command !== null && filter.command !== letter.command) return true;
    if (filter.code !== null && filter.code !== letter.code) return true;
    if (filter.untilAt !== null && failedAtOf(letter, this.look.zeroOf(plugin)) > filter.untilAt) return true;
    const cause = causeOf(plugin, letter);
    if (filter.fingerprint !== null && filter.fingerprint !== cause.fingerprint) return true;
    return this.found({ plugin, letter }, cause);
  }
}

export interface Cause {
  readonly fingerprint: string;
  /** The message without what differs from one to the next. */
  readonly message: string;
}

function causeOf({ name }: RoutedPlugin, letter: DeadLetter): Cause {
  const message = messagePattern(errorText(letter));
  const text = JSON.stringify([name, letter.command, letter.code, message]);
  return { fingerprint: createHash("sha256").update(text).digest("hex").slice(0, 16), message };
}

/** When a letter failed as it is told and asked for, in ms since 1970: whoever asks for all until a time that was told gets that one, too. */
function failedAtOf({ failedAt }: DeadLetter, zero: number): number {
  return Math.round(zero + failedAt);
}

/** Gathers dead letters by their causes. */
export class FailureGroups {
  /** Letters of groups beyond the most. */
  leftOut = 0;
  readonly #groups = new Map<string, { -readonly [Key in keyof FailureGroup]: FailureGroup[Key] }>();

  /** @param seesMessages of that plugin's operations */
  constructor(
    readonly zeroOf: (plugin: RoutedPlugin) => number,
    readonly seesMessages: (plugin: string) => boolean,
  ) {}

  add({ plugin, letter }: MatchedLetter, { fingerprint, message }: Cause): void {
    const zero = this.zeroOf(plugin);
    const at = failedAtOf(letter, zero);
    const version = plugin.pool.outcomes.versions.at(letter.failedAt);
    const known = this.#groups.get(fingerprint);
    if (known === undefined) {
      this.#groups.set(fingerprint, {
        fingerprint,
        plugin: plugin.name,
        command: letter.command,
        command_name: commandName(plugin, letter.command),
        code: letter.code,
        message: this.seesMessages(plugin.name) ? message : null,
        count: 1,
        first_at: at,
        last_at: at,
        versions: version === null ? [] : [version],
        sample_id: plugin.operationId(letter.id, letter.acceptedAt),
      });
      if (this.#groups.size > MAX_GROUPS) this.#dropColdest();
      return;
    }
    known.count++;
    known.first_at = Math.min(known.first_at, at);
    known.last_at = Math.max(known.last_at, at);
    if (version !== null && !known.versions.includes(version)) known.versions.unshift(version);
  }

  /** Those that failed last first. */
  get groups(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.last_at - a.last_at);
  }

  #dropColdest(): void {
    let coldest: FailureGroup | null = null;
    for (const group of this.#groups.values()) {
      if (coldest === null || group.last_at < coldest.last_at) coldest = group;
    }
    this.#groups.delete(coldest!.fingerprint);
    this.leftOut += coldest!.count;
  }
}
