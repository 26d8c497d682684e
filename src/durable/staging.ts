import { Lane } from "../queue/lane.ts";
import type { Addressee } from "../queue/record.ts";
import type { SegmentPool } from "../queue/segment.ts";

const FIRST_CAPACITY = 64;
/** Words of an entry: what it is, who is to be told, and its bytes. */
const ENTRY_WORDS = 5;
const IS_SHARED = 0x100;
const HAS_CALLER = 0x200;
const WANTS_ID = 0x400;
const ENCODING_MASK = 0xff;

/**
 * What was written to the journal and is not committed: the records of operations in a lane of their own, and beside each who is to
 * be told, in arrays that are used round and round:
 *
 * ```
 * | encoding, what it is | route slot | route gen. | request id | bytes on disk |      id, due: floats
 * ```
 */
export class Staging implements Addressee {
  /** All, and those that have a record in the lane. */
  count = 0;
  ops = 0;
  /** On disk. */
  bytes = 0;
  readonly lane: Lane;
  #first = 0;
  #words = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS);
  #ids = new Float64Array(FIRST_CAPACITY);
  #dues = new Float64Array(FIRST_CAPACITY);

  constructor(pool: SegmentPool) {
    this.lane = new Lane(pool);
  }

  /**
   * Adds one as the newest, of so many bytes on disk.
   *
   * @param due when it is to get in line, monotonic in ms, 0 for at once; of what is shared, when it was accepted
   * @param isShared it is no operation of the queue: it stands beside a sync one
   */
  add(id: number, bytes: number, due: number, isShared: boolean, to: Addressee | null): void {
    if (this.count === this.#ids.length) this.#grow();
    const place = (this.#first + this.count++) & (this.#ids.length - 1);
    this.#ids[place] = id;
    this.#dues[place] = due;
    const kind = isShared ? IS_SHARED : 0;
    if (!isShared) this.ops++;
    const word = place * ENTRY_WORDS;
    this.#words[word + 4] = bytes;
    this.bytes += bytes;
    const caller = to === null ? 0 : HAS_CALLER | (to.wantsId === true ? WANTS_ID : 0) | to.encoding;
    this.#words[word] = kind | caller;
    if (to === null) return;
    this.#words[word + 1] = to.routeSlot;
    this.#words[word + 2] = to.routeGeneration;
    this.#words[word + 3] = to.requestId;
  }

  /** Of the oldest, as all that follows. */
  get id(): number {
    return this.#ids[this.#first]!;
  }

  /** When it is to get in line, monotonic in ms, 0 for at once; of what is shared, when it was accepted. */
  get due(): number {
    return this.#dues[this.#first]!;
  }

  get isShared(): boolean {
    return (this.#words[this.#first * ENTRY_WORDS]! & IS_SHARED) !== 0;
  }

  /** Somebody is to be told. */
  get hasCaller(): boolean {
    return (this.#words[this.#first * ENTRY_WORDS]! & HAS_CALLER) !== 0;
  }

  get encoding(): number {
    return this.#words[this.#first * ENTRY_WORDS]! & ENCODING_MASK;
  }

  get wantsId(): boolean {
    return (this.#words[this.#first * ENTRY_WORDS]! & WANTS_ID) !== 0;
  }

  get routeSlot(): number {
    return this.#words[this.#first * ENTRY_WORDS + 1]!;
  }

  get routeGeneration(): number {
    return this.#words[this.#first * ENTRY_WORDS + 2]!;
  }

  get requestId(): number {
    return this.#words[this.#first * ENTRY_WORDS + 3]!;
  }

  /** Gives up the oldest; its record is the lane's matter. */
  shift(): void {
    if (!this.isShared) this.ops--;
    this.bytes -= this.#words[this.#first * ENTRY_WORDS + 4]!;
    this.#first = (this.#first + 1) & (this.#ids.length - 1);
    this.count--;
  }

  /** Whether the operation with that id is among them; of ids that async operations have. */
  has(id: number): boolean {
    return this.#find(id) >= 0;
  }

  /** Whether it is, and is one of the queue's. */
  hasOperation(id: number): boolean {
    const place = this.#find(id);
    return place >= 0 && (this.#words[place * ENTRY_WORDS]! & IS_SHARED) === 0;
  }

  /** The ids of the queue's operations, the oldest first. */
  *operations(): Generator<number> {
    for (let at = 0; at < this.count; at++) {
      const place = (this.#first + at) & (this.#ids.length - 1);
      if ((this.#words[place * ENTRY_WORDS]! & IS_SHARED) === 0) yield this.#ids[place]!;
    }
  }

  /** Its place; -1 where it is not there. They are in ascending order. */
  #find(id: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const place = (this.#first + middle) & (this.#ids.length - 1);
      const found = this.#ids[place]!;
      if (found === id) return place;
      if (found < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #grow(): void {
    const before = this.#ids.length;
    const [words, ids, dues] = [this.#words, this.#ids, this.#dues];
    this.#words = new Uint32Array(2 * words.length);
    this.#ids = new Float64Array(2 * before);
    this.#dues = new Float64Array(2 * before);
    for (let at = 0; at < this.count; at++) {
      const from = (this.#first + at) & (before - 1);
      this.#ids[at] = ids[from]!;
      this.#dues[at] = dues[from]!;
      const word = from * ENTRY_WORDS;
      this.#words.set(words.subarray(word, word + ENTRY_WORDS), at * ENTRY_WORDS);
    }
    this.#first = 0;
  }
}
