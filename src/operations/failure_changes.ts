import { recordBytes } from "../queue/record.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { ControlRefusal } from "./control_refusal.ts";
import { type FailureLook, FailureScan, type MatchedLetter } from "./failures.ts";
import type { WrittenLetter } from "./letter_line.ts";
import type { Slices } from "./slices.ts";
import { MAX_UNDO_BYTES, type UndoFiles } from "./undo_files.ts";
import type { FailuresChanged, FailuresUndone } from "./told.ts";

/** Dead letters that one request changes. */
export const MAX_CHANGED = 100_000;
/** What a letter takes in an undo file beside its bytes, about. */
const LINE_BYTES = 400;
const CLOCK_EVERY = 16;

export interface FailureChangesParts {
  readonly slices: Slices;
  readonly files: UndoFiles;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** The time of day, in ms since 1970. */
  readonly clock: () => number;
  zeroOf(plugin: RoutedPlugin): number;
  plugin(name: string): RoutedPlugin | null;
}

interface Matched {
  /** The oldest first. */
  readonly letters: readonly MatchedLetter[];
  /** Those beyond the most. */
  readonly beyond: number;
}

/** What is done to all dead letters that match a filter, and how a purge is undone. Throws ControlRefusal. */
export class FailureChanges {
  constructor(readonly parts: FailureChangesParts) {}

  /** Puts all that match back in line, the oldest first, as far as the queues have room. */
  async retry(look: FailureLook, isDry: boolean): Promise<FailuresChanged> {
    const { letters, beyond } = await this.#matched(look, Infinity);
    if (isDry) return { count: letters.length, left: beyond, undo: null };
    const count = await this.#each(letters, ({ plugin, letter }) => plugin.retryOne(letter.id) === "retried");
    return { count, left: letters.length - count + beyond, undo: null };
  }

  /** Drops all that match, once a file is on the disk that puts them back. */
  async purge(look: FailureLook, isDry: boolean): Promise<FailuresChanged> {
    const { letters, beyond } = await this.#matched(look, MAX_UNDO_BYTES);
    const { files, clock } = this.parts;
    // A look at what would be done says it, too.
    if (letters.length > 0) files.check();
    if (isDry || letters.length === 0) return { count: letters.length, left: beyond, undo: null };
    const undo = await files.write(this.#written(letters), new Date(clock()));
    const count = await this.#each(letters, ({ plugin, letter }) => plugin.purgeDead(letter.id) > 0);
    return { count, left: letters.length - count + beyond, undo };
  }

  /** Puts back what a purge has dropped, as dead letters. */
  async undo(name: string, isDry: boolean): Promise<FailuresUndone> {
    let count = 0;
    let there = 0;
    const left: WrittenLetter[] = [];
    let until = this.parts.now() + 1;
    for await (const written of this.parts.files.letters(name)) {
      const outcome = this.#putBack(written, isDry);
      if (outcome === "there") there++;
      else if (outcome === "back") count++;
      else left.push(written);
      if (this.parts.now() < until) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      until = this.parts.now() + 1;
    }
    if (!isDry) await this.parts.files.putBack(name, left);
    return { count, left: left.length, undo: isDry || left.length > 0 ? name : null, already_there: there };
  }

  #putBack({ plugin: name, run, letter }: WrittenLetter, isDry: boolean): "back" | "there" | "left" {
    const plugin = this.parts.plugin(name);
    if (plugin === null || plugin.queue.durability?.isClosed === true) return "left";
    const zero = this.parts.zeroOf(plugin);
    const { queue, pool: { dead } } = plugin;
    const isOwn = plugin.run === run;
    const known = isOwn ? dead.find(letter.id) : null;
    if (known !== null) return "there";
    const own: DeadLetter = {
      ...letter,
      acceptedAt: letter.acceptedAt - zero,
      failedAt: letter.failedAt - zero,
    };
    if (!dead.hasRoom(own)) return "left";
    if (isDry) return "back";
    // Numbers of another start are others' by now.
    return dead.keep(isOwn ? own : { ...own, id: ++queue.lastId }) ? "back" : "left";
  }

  *#written(letters: readonly MatchedLetter[]): Generator<WrittenLetter> {
    for (const { plugin, letter } of letters) {
      const zero = this.parts.zeroOf(plugin);
      const own = { ...letter, acceptedAt: letter.acceptedAt + zero, failedAt: letter.failedAt + zero };
      yield { plugin: plugin.name, run: plugin.run, letter: own };
    }
  }

  async #matched(look: FailureLook, maxBytes: number): Promise<Matched> {
    const letters: MatchedLetter[] = [];
    let beyond = 0;
    let bytes = 0;
    const scan = new FailureScan(look, (matched) => {
      refuseWhereClosed(matched.plugin);
      const { content, error } = matched.letter;
      const errorBytes = typeof error === "string" ? error.length : error.content.length;
      bytes += LINE_BYTES + (recordBytes(content.length) + errorBytes) * 4 / 3;
      if (letters.length >= MAX_CHANGED || bytes > maxBytes) beyond++;
      else letters.push(matched);
      return true;
    });
    await this.parts.slices.run((until) => scan.step(until));
    return { letters: letters.reverse(), beyond };
  }

  /** Does something to each that is as it was found; returns to how many. */
  async #each(
    letters: readonly MatchedLetter[],
    change: (matched: MatchedLetter) => boolean,
  ): Promise<number> {
    let count = 0;
    let at = 0;
    const { now } = this.parts;
    await this.parts.slices.run((until) => {
      while (at < letters.length) {
        const matched = letters[at++]!;
        if (isThere(matched) && change(matched)) count++;
        if (at % CLOCK_EVERY === 0 && now() >= until) break;
      }
      return at < letters.length;
    });
    return count;
  }
}

function isThere({ plugin, letter }: MatchedLetter): boolean {
  return plugin.pool.dead.find(letter.id) === letter;
}

/** What is changed when the journal is closed would be as before at the next start. */
function refuseWhereClosed({ name, queue }: RoutedPlugin): void {
  if (queue.durability?.isClosed !== true) return;
  throw new ControlRefusal(
    `the journal of plugin ${name} is closed: what is in it can be changed after the next start`,
  );
}
