/** Ids of a chunk: a bit each. */
const CHUNK_IDS = 1024;
const CHUNK_WORDS = CHUNK_IDS / 32;

interface Chunk {
  readonly bits: Uint32Array;
  count: number;
}

/**
 * Numbers from 1 to 2^53, added in ascending order, most of which follow each other: a bit for each, in chunks that are there
 * only while they hold one. A million that follow each other take some 200 KB.
 */
export class IdSet {
  size = 0;
  /** By the id of their first, divided by their size; in ascending order, as a Map keeps the one in which they came. */
  readonly #chunks = new Map<number, Chunk>();

  has(id: number): boolean {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_IDS));
    return chunk !== undefined && (chunk.bits[(id % CHUNK_IDS) >>> 5]! & (1 << (id & 31))) !== 0;
  }

  /** Adds one that is above all that were added before. */
  add(id: number): void {
    const number = Math.floor(id / CHUNK_IDS);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      this.#chunks.set(number, chunk = { bits: new Uint32Array(CHUNK_WORDS), count: 0 });
    }
    chunk.bits[(id % CHUNK_IDS) >>> 5]! |= 1 << (id & 31);
    chunk.count++;
    this.size++;
  }

  /** Adds so many that follow each other, from one on that is above all that were added before. */
  addRun(first: number, count: number): void {
    for (let id = first; id < first + count; id++) this.add(id);
  }

  /** False where it was not in it. */
  delete(id: number): boolean {
    if (!this.has(id)) return false;
    const number = Math.floor(id / CHUNK_IDS);
    const chunk = this.#chunks.get(number)!;
    chunk.bits[(id % CHUNK_IDS) >>> 5]! &= ~(1 << (id & 31));
    this.size--;
    if (--chunk.count === 0) this.#chunks.delete(number);
    return true;
  }

  clear(): void {
    this.#chunks.clear();
    this.size = 0;
  }

  /** The lowest; Infinity where there is none. */
  get lowest(): number {
    for (const id of this.ids()) return id;
    return Infinity;
  }

  /** In ascending order; nothing is to be added or deleted meanwhile. */
  *ids(): Generator<number> {
    for (const [number, { bits }] of this.#chunks) {
      for (let word = 0; word < CHUNK_WORDS; word++) {
        for (let rest = bits[word]!; rest !== 0; rest = (rest & (rest - 1)) >>> 0) {
          yield number * CHUNK_IDS + word * 32 + 31 - Math.clz32(rest & -rest);
        }
      }
    }
  }
}
