import { assert } from "@std/assert";
import type { Runs } from "../../bench/crash/runs.ts";
import { type Look, type Operation, show } from "./operation.ts";

const HELD = ["queued", "in_flight", "delayed", "retrying"];
const ENDED = ["done", "failed", "expired", "cancelled"];

/**
 * The fates that the rules allow each operation of one plugin, beside what the server says of it:
 *
 * - who was told 1000 finds it held, done, kept as a dead letter, or cancelled by somebody, as often as it was accepted;
 * - what has ended neither is held again nor runs again; after a crash that holds for ends that were synced, which those are
 *   that were seen before an async request was sent that was told 1000;
 * - nothing is there, or runs, that nobody has sent; nothing that was refused runs.
 */
export class Model {
  readonly operations = new Map<number, Operation>();
  /** By command and key, the newest that was accepted. */
  readonly #holders = new Map<string, Operation>();
  /** Dead letters that must be there, and those that must not, by id, with the look after which that is so. */
  readonly #kept = new Map<number, { readonly tag: number; readonly at: number }>();
  readonly #gone = new Map<number, { readonly tag: number; readonly at: number }>();
  /** By the ids of dead letters that were retried, how often the operation had ended and run before. */
  readonly #retried = new Map<
    number,
    { readonly tag: number; readonly ends: number; readonly runs: number }
  >();
  /** Of those, the ones whose retry a crash may have taken back: they are there, or what they became. */
  readonly #either = new Set<number>();
  /** By the tags of sync operations, those of their async duplicates: one of them is there, or has ended as they do. */
  readonly #promises = new Map<number, number[]>();
  /** The tags of sync operations that have left a dead letter to another server. */
  readonly #survivors = new Set<number>();
  looks = 0;
  /** What was seen up to that look is on the disk. */
  #synced = 0;
  crashes = 0;

  constructor(readonly runs: Runs) {}

  send(request: Pick<Operation, "tag" | "command" | "sync" | "key" | "delayed">): Operation {
    const operation: Operation = {
      ...request,
      sentAfter: this.looks,
      told: "nothing",
      code: null,
      lives: 0,
      maybe: 1,
      retriedAt: [],
      cancelled: 0,
      touched: 0,
      again: 0,
      isOver: false,
      doubleOf: null,
      letters: new Set(),
      hasExpired: false,
      endedAt: null,
      runs: 0,
      mayHold: 1,
    };
    this.operations.set(request.tag, operation);
    return operation;
  }

  /** It was accepted: told 1000 where it is async, and the first with its key. */
  accepted(operation: Operation): void {
    operation.lives++;
    operation.maybe = 0;
    operation.told = "accepted";
    if (!operation.sync && operation.key === null) {
      this.#synced = Math.max(this.#synced, operation.sentAfter);
    }
    if (operation.key === null) return;
    const holder = this.#holder(operation);
    if (holder !== undefined) {
      const { begun, done } = this.runs.of(holder.tag);
      const isRemembered = !holder.isOver && holder.told !== "lost" && holder.endedAt !== null && done > 0 &&
        holder.letters.size === 0 && holder.touched === 0 && (this.crashes === 0 || this.#isSynced(holder));
      assert(
        !isRemembered,
        `${show(operation)} ran beside one with its key that is done: ${show(holder)}, ${begun}`,
      );
    }
    this.#holders.set(`${operation.command} ${operation.key}`, operation);
  }

  /** It was answered as another with its key. */
  duplicated(operation: Operation): void {
    operation.maybe = 0;
    operation.told = "a duplicate";
    const holder = this.#holder(operation);
    const { command, key } = operation;
    // One that was told nothing may be there, and the double of one that is gone.
    const mayHold = this.operations.values().some((each) =>
      each.command === command && each.key === key && each.told === "lost"
    );
    assert(
      mayHold || holder !== undefined,
      `${show(operation)} is the first with its key and was taken for a duplicate`,
    );
    if (holder === undefined) return;
    const hasFailed = holder.endedAt !== null && holder.endedAt <= operation.sentAfter &&
      this.runs.of(holder.tag).done === 0 && !holder.isOver;
    assert(
      mayHold || !hasFailed,
      `${show(operation)} was taken for a duplicate of one that has failed: ${show(holder)}`,
    );
    if (operation.sync || !holder.sync) return;
    operation.doubleOf = holder.tag;
    this.#promises.set(holder.tag, [...this.#promises.get(holder.tag) ?? [], operation.tag]);
  }

  refused(operation: Operation): void {
    operation.maybe = 0;
    operation.told = "refused";
  }

  /** The server died before it said how it has ended, or anything. */
  lost(operation: Operation): void {
    if (operation.told === "nothing" || (operation.sync && operation.code === null)) operation.told = "lost";
  }

  /** All that is not known to have ended, or the one, is about to be cancelled. */
  mayCancel(tag?: number): void {
    for (const operation of this.operations.values()) {
      if (operation.endedAt === null && (tag ?? operation.tag) === operation.tag) operation.touched++;
    }
  }

  cancelled(tag: number): void {
    this.of(tag).cancelled++;
  }

  /** These dead letters are about to be retried, or forgotten. */
  mayTake(letters: readonly Look["letters"][number][], isRetry: boolean): void {
    for (const { id, tag } of letters) {
      this.#kept.delete(id);
      if (!isRetry) continue;
      const operation = this.of(tag);
      this.#retried.set(id, { tag, ends: this.#endsOf(operation), runs: this.runs.of(tag).begun });
      operation.maybe++;
      operation.mayHold++;
      operation.endedAt = null;
    }
  }

  /** The first so many of them were, the others not. */
  taken(letters: readonly Look["letters"][number][], isRetry: boolean, count: number): void {
    for (const [index, { id, tag }] of letters.entries()) {
      const operation = this.of(tag);
      if (isRetry) operation.maybe--;
      if (index >= count) {
        this.#kept.set(id, { tag, at: this.looks + 1 });
        continue;
      }
      this.#gone.set(id, { tag, at: this.looks + 1 });
      if (!isRetry) continue;
      operation.lives++;
      operation.retriedAt.push(this.looks + 1);
    }
  }

  /** The server was killed: what was not synced may have happened or not. Its runs have been read to the end. */
  crashed(): void {
    this.crashes++;
    for (const operation of this.operations.values()) {
      if (operation.told === "nothing" && !operation.sync) this.lost(operation);
      const retried = operation.retriedAt.filter((at) => at > this.#synced).length;
      operation.lives -= retried;
      operation.maybe += retried;
      operation.retriedAt = [];
      if (this.#outlives(operation) && !this.#isSynced(operation)) {
        operation.again++;
        operation.endedAt = null;
        operation.mayHold++;
      }
    }
    for (const [id, { at }] of this.#kept) if (at > this.#synced) this.#kept.delete(id);
    for (const [id, { tag, at }] of this.#gone) {
      if (at <= this.#synced) continue;
      this.#gone.delete(id);
      if (this.of(tag).maybe > 0 && this.#retried.has(id)) this.#either.add(id);
    }
  }

  /** The server was told to stop and has done so: what ran has ended, but for what waits for its end. */
  stopped(): void {
    this.#synced = this.looks + 1;
    for (const operation of this.operations.values()) {
      if (operation.told === "nothing" && !operation.sync) this.lost(operation);
      if (this.#outlives(operation) && operation.command === 1006 && operation.endedAt === null) {
        operation.again++;
      }
    }
  }

  /** Holds what was seen against what may be. */
  check(look: Look): void {
    this.looks++;
    this.#checkFigures(look);
    this.#checkLetters(look);
    const open = Map.groupBy(look.open, ({ tag }) => tag);
    for (const tag of [...open.keys(), ...look.begun]) this.of(tag);
    for (const operation of this.operations.values()) {
      this.#checkOperation(operation, open.get(operation.tag)?.length ?? 0, look.isWhole);
    }
    if (look.isWhole) this.#checkPromises(look, open);
  }

  #checkPromises(look: Look, open: ReadonlyMap<number, unknown[]>): void {
    for (const [tag, doubles] of this.#promises) {
      const isKept = [tag, ...doubles].some((each) => {
        const { letters, touched } = this.of(each);
        const isTouched = each !== tag && touched > 0;
        return open.has(each) || this.runs.of(each).done > 0 || letters.size > 0 || isTouched;
      });
      assert(isKept, `its doubles ${doubles.join(", ")} were told 1000: ${show(this.of(tag))}`);
    }
    for (const id of this.#either) {
      const { tag, ends, runs } = this.#retried.get(id)!;
      const operation = this.of(tag);
      const isThere = look.letters.some((letter) => letter.id === id) || open.has(tag) ||
        operation.touched > 0 ||
        this.#endsOf(operation) > ends || this.runs.of(tag).begun > runs;
      assert(
        isThere,
        `dead letter ${id} was retried before the crash: neither it nor what it became is there`,
      );
      this.#either.delete(id);
    }
  }

  /** Nothing is held any more and all replies have come: each has exactly the ends that it was accepted for. */
  finish(maxAttempts: number): void {
    for (const operation of this.operations.values()) {
      const { tag, command, sync, told, lives, cancelled, touched, again, code } = operation;
      if (told === "a duplicate" || told === "refused" || operation.isOver) continue;
      const { done, failed } = this.runs.of(tag);
      const shown = show(operation);
      const missing = lives - this.#endsOf(operation);
      assert(missing <= touched - (sync ? 0 : cancelled), `${missing} of its lives have no end: ${shown}`);
      if (again > 0) continue;
      if (code !== null && code >= 1000) assert(done > 0, `its caller was told that it is done: ${shown}`);
      if (command !== 1002 || touched > 0 || sync || operation.hasExpired) continue;
      const wanted = lives * maxAttempts;
      assert(failed === wanted, `it has failed ${failed} times, not ${wanted}: ${shown}`);
    }
  }

  of(tag: number): Operation {
    const operation = this.operations.get(tag);
    assert(operation !== undefined, `there is an operation with tag ${tag}, which nobody has sent`);
    return operation;
  }

  #checkFigures({ figures }: Look): void {
    const sum = (names: readonly string[]) => names.reduce((total, name) => total + Number(figures[name]), 0);
    const accounted = sum(HELD) + sum(ENDED);
    assert(
      figures["accepted"] === accounted,
      `accepted ${figures["accepted"]}, accounted for ${accounted}: ` +
        [...HELD, ...ENDED].map((name) => `${name} ${figures[name]}`).join(", "),
    );
  }

  #checkLetters(look: Look): void {
    const seen = new Set<number>();
    for (const { id, tag, error } of look.letters) {
      seen.add(id);
      const operation = this.of(tag);
      operation.letters.add(id);
      operation.hasExpired ||= error.includes("ttl");
      assert(!this.#gone.has(id), `dead letter ${id} is back: ${show(operation)}`);
      if (!this.#kept.has(id)) this.#kept.set(id, { tag, at: this.looks });
    }
    for (const [id, { tag }] of this.#kept) {
      assert(seen.has(id), `dead letter ${id} is missing: ${show(this.of(tag))}`);
    }
  }

  #checkOperation(operation: Operation, held: number, isWhole: boolean): void {
    const { tag, told, lives, maybe, again, touched, sync, code, letters, isOver } = operation;
    const { begun, ids } = this.runs.of(tag);
    const ends = this.#endsOf(operation);
    const most = lives + maybe + again;
    const shown = () => `${show(operation)}; held ${held}, ends ${ends}, runs ${begun}`;
    if (isOver) {
      assert(
        held === 0 && begun === operation.runs,
        `it was in the memory of a server that is gone, and is back: ${shown()}`,
      );
      return;
    }
    if (told === "refused" || told === "a duplicate") {
      assert(held + begun + letters.size === 0, `it was not accepted and is there: ${shown()}`);
      operation.endedAt ??= this.looks;
      return;
    }
    if (operation.endedAt !== null) {
      assert(
        begun === operation.runs,
        `it has ended and runs again, ${operation.runs} times before: ${shown()}`,
      );
      assert(held === 0, `it has ended and is held: ${shown()}`);
    }
    assert(ends <= most, `it has ended more often than it was accepted: ${shown()}`);
    assert(held <= operation.mayHold, `it has ended and is held again: ${shown()}`);
    assert(ids.size <= lives + maybe, `plugins see it under ${[...ids].join(", ")}: ${shown()}`);
    const isAnswered = !sync || code !== null || told === "lost" || letters.size > 0;
    if (!isWhole || !isAnswered || told === "nothing") return;
    assert(held + ends + touched >= lives, `it was acknowledged and is missing: ${shown()}`);
    operation.mayHold = held;
    if (held > 0 || operation.endedAt !== null) return;
    operation.endedAt = this.looks;
    operation.runs = begun;
  }

  /** How often it has ended, as far as that leaves traces: a cancellation leaves none. */
  #endsOf({ tag, letters, code, cancelled, sync }: Operation): number {
    const wasToldOfFailure = code !== null && code < 1000 && letters.size === 0;
    return this.runs.of(tag).done + letters.size + Number(wasToldOfFailure) + (sync ? 0 : cancelled);
  }

  /** Whether anything of it may be there after the end of the server. */
  #outlives(operation: Operation): boolean {
    const { sync, isOver, letters, doubleOf } = operation;
    if (doubleOf !== null && operation.told === "a duplicate") {
      Object.assign(operation, { told: "lost", maybe: 1, endedAt: null, mayHold: 1 });
    }
    if (!sync || isOver) return !isOver;
    if (letters.size === 0) {
      operation.isOver = true;
      operation.runs = this.runs.of(operation.tag).begun;
    } else if (!this.#survivors.has(operation.tag)) {
      // Its dead letter is there, and what that becomes.
      this.#survivors.add(operation.tag);
      Object.assign(operation, { told: "lost", lives: operation.lives - 1, again: operation.again + 1 });
    }
    return !operation.isOver;
  }

  #isSynced({ endedAt, retriedAt }: Operation): boolean {
    return endedAt !== null && endedAt <= this.#synced && retriedAt.every((at) => at <= this.#synced);
  }

  #holder({ command, key }: Operation): Operation | undefined {
    return this.#holders.get(`${command} ${key}`);
  }
}
