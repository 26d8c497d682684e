import type { Runs } from "./runs.ts";

/** An operation that a caller has sent. */
interface Entry {
  readonly command: number;
  readonly key: string | null;
  /** What was sent there runs in its order; null where it need not. */
  readonly lane: number | null;
  /** He was told 1000. */
  acknowledged: boolean;
  /** Somebody may have cancelled it, or dropped its dead letter. */
  mayBeCancelled: boolean;
  /** So often its dead letter may have been retried: as an operation of its own each time. */
  retries: number;
  /** It was seen to have ended, with so many runs, and that is on the disk. */
  runsAtEnd: number | null;
}

/** What callers were told, and what may not happen after a crash therefore. */
export class Account {
  readonly #entries = new Map<number, Entry>();
  /** The tags of those with that key, and the same command. */
  readonly #byKey = new Map<string, number[]>();
  readonly #letters = new Set<number>();
  /** Seen to have ended, and no acknowledgement yet of what was sent after that. */
  #seen: number[] = [];
  /** How many were taken from the front of it, ever. */
  #synced = 0;
  acknowledged = 0;
  lastTag = 0;

  constructor(readonly runs: Runs) {}

  /** Returns its tag. */
  sent(command: number, key: string | null, lane: number | null): number {
    const entry = {
      command,
      key,
      lane,
      acknowledged: false,
      mayBeCancelled: false,
      retries: 0,
      runsAtEnd: null,
    };
    this.#entries.set(++this.lastTag, entry);
    if (key !== null) this.#byKey.set(key, [...this.#byKey.get(key) ?? [], this.lastTag]);
    return this.lastTag;
  }

  acknowledge(tag: number): void {
    this.#of(tag).acknowledged = true;
    this.acknowledged++;
  }

  mayCancel(tag: number): void {
    this.#of(tag).mayBeCancelled = true;
  }

  mayRetry(tag: number): void {
    this.#of(tag).retries++;
  }

  /** These are done according to their runs; the server's figures say that it knows. */
  sawDone(tags: readonly number[]): void {
    this.#seen.push(...tags);
  }

  /** How many were ever seen to be done. */
  get seen(): number {
    return this.#synced + this.#seen.length;
  }

  /** An operation was acknowledged that was sent when so many had been seen: the end of those is on the disk. */
  synced(seen: number): void {
    const tags = this.#seen.splice(0, Math.max(0, seen - this.#synced));
    this.#synced += tags.length;
    for (const tag of tags) this.#of(tag).runsAtEnd ??= this.runs.of(tag).begun;
  }

  /** After a crash it counts for nothing that was only seen. */
  crashed(): void {
    this.#synced += this.#seen.length;
    this.#seen = [];
  }

  /** A dead letter of that operation is kept. */
  sawLetter(tag: number): void {
    this.#letters.add(tag);
  }

  /** All is worked off. What is wrong, in words; undefined where nothing is. */
  problem(): string | undefined {
    for (const [tag, entry] of this.#entries) {
      const { begun, done, failed, ids } = this.runs.of(tag);
      const { command, key, acknowledged, mayBeCancelled, retries, runsAtEnd } = entry;
      const about =
        `operation ${tag}, command ${command}, key ${key}, ${begun} runs, ${done} done, ${failed} failed`;
      if (acknowledged && key === null && done === 0 && !this.#letters.has(tag) && !mayBeCancelled) {
        return `${about}: it was acknowledged and is lost`;
      }
      if (runsAtEnd !== null && begun > runsAtEnd) {
        return `${about}: it ran again after its end was on the disk, ${runsAtEnd} runs before`;
      }
      if (ids.size > 1 + retries) return `${about}: plugins have seen it as ${[...ids].join(" and ")}`;
    }
    for (const [key, tags] of this.#byKey) {
      const ran = tags.filter((tag) => this.runs.of(tag).done > 0);
      const isAcknowledged = tags.some((tag) => this.#of(tag).acknowledged);
      if (ran.length > 1 || (isAcknowledged && ran.length === 0)) {
        return `of the operations ${tags.join(", ")} with the key ${key} there ran ${
          ran.join(", ") || "none"
        }`;
      }
    }
    const last = new Map<number, number>();
    for (const tag of this.runs.order) {
      const entry = this.#entries.get(tag);
      if (entry === undefined) return `operation ${tag} ran, which nobody has sent`;
      if (entry.lane === null) continue;
      const before = last.get(entry.lane) ?? 0;
      if (tag < before) {
        return `operation ${tag} began after ${before}, which was sent later with the same key of affinity`;
      }
      last.set(entry.lane, tag);
    }
    return undefined;
  }

  /** Forgets which letters there are, for they are dropped. */
  dropLetters(): void {
    for (const tag of this.#letters) {
      const entry = this.#of(tag);
      entry.mayBeCancelled = true;
      entry.runsAtEnd ??= this.runs.of(tag).begun;
    }
    this.#letters.clear();
  }

  #of(tag: number): Entry {
    const entry = this.#entries.get(tag);
    if (entry === undefined) throw new Error(`operation ${tag} is there, which nobody has sent`);
    return entry;
  }
}
