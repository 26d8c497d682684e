import type { Words } from "../protocol/copy_bytes.ts";

/** Words of the header: positions count bytes and wrap at 2^32; each side's words have a cache line of their own. */
const HEAD = 0;
const SLEEPING = 16;
const TAIL = 32;
const BLOCKED = 48;
const HEADER_BYTES = 256;

/** Values of the word `sleeping`: the reader waits for any ring with this bell, or for the bell's own ring alone. */
const AWAKE = 0;
const FOR_ANY = 1;
const FOR_OWN = 2;

/** A record's length word that says: the rest up to the end of the ring is unused. */
const SKIP = 0xffffffff;
const LENGTH_BYTES = 4;

/** What both sides of a ring share. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Makes a ring that holds about so many bytes (rounded up to a power of two), awake and empty. */
export function createRing(capacityBytes: number): RingMemory {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(capacityBytes, 4096)));
  return { buffer: new SharedArrayBuffer(HEADER_BYTES + capacity) };
}

/** The bytes in which a ring's records lie. */
export function recordsOf({ buffer }: RingMemory): Uint8Array {
  return new Uint8Array(buffer, HEADER_BYTES);
}

/** The longest record a ring takes, in bytes: half of it, so that one always fits once the ring is empty. */
export function maxRecordBytes(memory: RingMemory): number {
  return (memory.buffer.byteLength - HEADER_BYTES) / 2 - LENGTH_BYTES;
}

/**
 * The ring, one writer and one reader in two threads:
 *
 * ```
 * 0      64         128    192       256
 * | head | sleeping | tail | blocked | length | record, padded to 4 | length | record … | SKIP |
 * ```
 *
 * The writer moves `head` when it publishes, the reader moves `tail` when it has read. `sleeping` is not 0 while the
 * reader waits for records, `blocked` is 1 while the writer waits for room.
 */
class Ring {
  readonly words: Int32Array;
  /** The header whose `sleeping` word counts: two rings with one reader share one. */
  readonly bell: Int32Array;
  readonly bytes: Uint8Array;
  readonly data: Uint32Array;
  /** Both of these. */
  readonly records: Words;
  readonly capacity: number;

  constructor(memory: RingMemory, bell: RingMemory = memory) {
    this.bell = new Int32Array(bell.buffer, 0, HEADER_BYTES / 4);
    this.capacity = memory.buffer.byteLength - HEADER_BYTES;
    this.words = new Int32Array(memory.buffer, 0, HEADER_BYTES / 4);
    this.bytes = new Uint8Array(memory.buffer, HEADER_BYTES);
    this.data = new Uint32Array(memory.buffer, HEADER_BYTES);
    this.records = { bytes: this.bytes, words: this.data };
  }

  /** Up to where the reader has given room back. */
  get tail(): number {
    return Atomics.load(this.words, TAIL) >>> 0;
  }

  /** Moves the tail in the reader's place, who sits behind a link; wakes the writer where it waits for room. */
  moveTail(tail: number): void {
    Atomics.store(this.words, TAIL, tail | 0);
    if (Atomics.load(this.words, BLOCKED) === 1) Atomics.notify(this.words, TAIL);
  }
}

/** The writing side: reserve, fill {@link bytes} at {@link at}, commit; publish when the batch is complete. */
export class RingWriter extends Ring {
  /** Whether the bell is this ring's own. */
  readonly #ownsBell: boolean;
  /** Where the reserved record's bytes go, a multiple of 4. */
  at = 0;
  /** The reserved record's position, for {@link isUnread}. */
  position = 0;
  #head = 0;
  #published = 0;
  #tail = 0;

  constructor(memory: RingMemory, bell: RingMemory = memory) {
    super(memory, bell);
    this.#ownsBell = bell === memory;
  }

  /** Makes room for a record; false where the reader has not made enough yet. */
  reserve(length: number): boolean {
    const size = LENGTH_BYTES + ((length + 3) & ~3);
    let position = this.#head & (this.capacity - 1);
    const rest = this.capacity - position;
    const needed = size > rest ? rest + size : size;
    if (this.capacity - ((this.#head - this.#tail) >>> 0) < needed) {
      this.#tail = Atomics.load(this.words, TAIL);
      if (this.capacity - ((this.#head - this.#tail) >>> 0) < needed) return false;
    }
    if (size > rest) {
      this.data[position >>> 2] = SKIP;
      this.#head = (this.#head + rest) >>> 0;
      position = 0;
    }
    this.at = position + LENGTH_BYTES;
    this.position = this.#head;
    return true;
  }

  /** Ends the reserved record; the reader sees it after {@link publish}. `length` is at most what was reserved. */
  commit(length: number): void {
    this.data[(this.at - LENGTH_BYTES) >>> 2] = length;
    this.#head = (this.#head + LENGTH_BYTES + ((length + 3) & ~3)) >>> 0;
  }

  /**
   * Takes over what a ring of the same capacity holds at `position`, at the same place; shown to the reader by
   * {@link publish}. False where it does not follow what is here, or is more than there is room for.
   */
  takeOver(position: number, bytes: Uint8Array): boolean {
    const filled = (this.#head - this.tail) >>> 0;
    const fits = filled + bytes.length <= this.capacity && bytes.length % 4 === 0;
    if (position !== this.#head || !fits) return false;
    const at = position & (this.capacity - 1);
    const first = Math.min(bytes.length, this.capacity - at);
    this.bytes.set(first === bytes.length ? bytes : bytes.subarray(0, first), at);
    if (first < bytes.length) this.bytes.set(bytes.subarray(first), 0);
    this.#head = (position + bytes.length) >>> 0;
    return true;
  }

  /** Shows the reader what was committed, and wakes it where it sleeps. */
  publish(): void {
    if (this.#head === this.#published) return;
    this.#published = this.#head;
    Atomics.store(this.words, HEAD, this.#head | 0);
    this.wake();
  }

  /** Wakes the reader where it sleeps, also without anything to read. */
  wake(): void {
    const sleeping = Atomics.load(this.bell, SLEEPING);
    if (sleeping === AWAKE || (sleeping === FOR_OWN && !this.#ownsBell)) return;
    if (Atomics.exchange(this.bell, SLEEPING, AWAKE) !== AWAKE) Atomics.notify(this.bell, SLEEPING);
  }

  /** Whether the reader has not given back the record at that position yet, so that its bytes still lie there. */
  isUnread(position: number): boolean {
    const tail = Atomics.load(this.words, TAIL) >>> 0;
    return ((this.#head - position) >>> 0) <= ((this.#head - tail) >>> 0);
  }

  /** Whether the reader has given back all records. */
  get isRead(): boolean {
    return this.tail === this.#head;
  }

  /** Blocks this thread for up to so many ms until the reader has made room; for workers only. */
  waitForRoom(timeoutMs: number): void {
    Atomics.store(this.words, BLOCKED, 1);
    Atomics.wait(this.words, TAIL, this.#tail | 0, timeoutMs);
    Atomics.store(this.words, BLOCKED, 0);
  }
}

/**
 * The reading side: `next` finds a record at {@link at}, `length` long; `release` gives back what was read. A writer that is not
 * trusted may write anything, at any time: what cannot be is not read, and nothing after it.
 */
export class RingReader extends Ring {
  at = 0;
  length = 0;
  /** The writer has published what can be no records. */
  isBroken = false;
  #tail = 0;
  #released = 0;
  #head = 0;
  #waiting = false;

  /** Moves to the next record; its bytes are the reader's until {@link release}. */
  next(): boolean {
    if (this.#tail === this.#head && !this.#look()) return false;
    let filled = (this.#head - this.#tail) >>> 0;
    let position = this.#tail & (this.capacity - 1);
    if (this.data[position >>> 2] === SKIP) {
      const rest = this.capacity - position;
      if (filled <= rest) return this.#break();
      filled -= rest;
      this.#tail = (this.#tail + rest) >>> 0;
      position = 0;
    }
    const length = this.data[position >>> 2]!;
    const most = Math.min(filled, this.capacity - position) - LENGTH_BYTES;
    if (length > most) return this.#break();
    this.length = length;
    this.at = position + LENGTH_BYTES;
    this.#tail = (this.#tail + LENGTH_BYTES + ((length + 3) & ~3)) >>> 0;
    return true;
  }

  /** Looks how far the writer is; whether there is more. */
  #look(): boolean {
    if (this.isBroken) return false;
    const head = Atomics.load(this.words, HEAD) >>> 0;
    if (head % 4 !== 0 || ((head - this.#tail) >>> 0) > this.capacity) return this.#break();
    this.#head = head;
    return head !== this.#tail;
  }

  #break(): false {
    this.isBroken = true;
    this.#head = this.#tail;
    return false;
  }

  /** Leaves the record that was found last to be found again. */
  back(): void {
    this.#tail = (this.#tail - LENGTH_BYTES - ((this.length + 3) & ~3)) >>> 0;
  }

  /** Gives the writer the room of all records found so far. */
  release(): void {
    if (this.#tail === this.#released) return;
    this.#released = this.#tail;
    this.moveTail(this.#tail);
  }

  /** Up to where it has read. */
  get position(): number {
    return this.#tail;
  }

  /** Bytes that are published and not read yet. */
  get unread(): number {
    return this.isBroken ? 0 : ((Atomics.load(this.words, HEAD) >>> 0) - this.#tail) >>> 0;
  }

  /**
   * Reads bytes as they lie there, at most so many, up to the ring's end at most and to where a record ends that was
   * published last when it began; returns how many it were.
   */
  readRaw(target: Uint8Array, at: number, most: number): number {
    if (this.#tail === this.#head) this.#look();
    const from = this.#tail & (this.capacity - 1);
    const length = Math.min((this.#head - this.#tail) >>> 0, most & ~3, this.capacity - from);
    target.set(this.bytes.subarray(from, from + length), at);
    this.#tail = (this.#tail + length) >>> 0;
    return length;
  }

  /** Whether what was read last ends where a record ends. */
  get isWhole(): boolean {
    return this.#tail === this.#head;
  }

  /** Goes back to the oldest record whose room was not given back: for a second reader, which never releases. */
  rewind(): void {
    this.#tail = this.tail;
    this.#head = this.#tail;
  }

  /**
   * Calls `wake` once when the writer publishes, or returns false where there is something to read already, here or in
   * `also`, a ring with the same bell. No wake-up is lost between the two: the flag is raised before the last look.
   */
  sleep(wake: () => void, also?: RingReader): boolean {
    const sleeping = also === undefined ? FOR_OWN : FOR_ANY;
    Atomics.store(this.bell, SLEEPING, sleeping);
    if (this.#isThereMore(also)) {
      Atomics.store(this.bell, SLEEPING, AWAKE);
      return false;
    }
    if (this.#waiting) return true;
    const wait = Atomics.waitAsync(this.bell, SLEEPING, sleeping);
    if (!wait.async) return false;
    this.#waiting = true;
    wait.value.then(() => {
      this.#waiting = false;
      wake();
    });
    return true;
  }

  /**
   * Blocks this thread until the writer publishes or wakes it, for at most so many ms; for workers only. True where
   * there is something to read then.
   */
  block(timeoutMs: number, also?: RingReader): boolean {
    const sleeping = also === undefined ? FOR_OWN : FOR_ANY;
    Atomics.store(this.bell, SLEEPING, sleeping);
    if (!this.#isThereMore(also)) Atomics.wait(this.bell, SLEEPING, sleeping, timeoutMs);
    Atomics.store(this.bell, SLEEPING, AWAKE);
    return this.#isThereMore(also);
  }

  /** Whether there is something to read, here or in the other ring. */
  #isThereMore(also: RingReader | undefined): boolean {
    return this.#hasMore || (also !== undefined && also.#hasMore);
  }

  get #hasMore(): boolean {
    return !this.isBroken && (Atomics.load(this.words, HEAD) >>> 0) !== this.#tail;
  }

  /** Takes {@link sleep} back without ending its wait: the writer need not wake a reader that looks by itself. */
  stayAwake(): void {
    Atomics.store(this.bell, SLEEPING, AWAKE);
  }

  /** Ends a wait that {@link sleep} began. */
  abandon(): void {
    Atomics.store(this.bell, SLEEPING, AWAKE);
    Atomics.notify(this.bell, SLEEPING);
  }
}
