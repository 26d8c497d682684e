import type { DueState, RecordKind } from "./record_layout.ts";

/** Ids by chunk. */
const CHUNK = 128;
/** Sizes are kept in units of 8 bytes, with the kind in the upper bits. */
const KIND_SHIFT = 29;
const SIZE_MASK = 2 ** KIND_SHIFT - 1;

/** What the last ATTEMPT of an operation has said. */
export interface Attempt {
  /** The number of the file in which it lies. */
  readonly file: number;
  readonly attempts: number;
  /** Epoch ms. */
  readonly due: number;
  readonly state: DueState;
}

/** The attempts of a chunk; made when there is one. */
class Attempts {
  readonly files = new Uint32Array(CHUNK);
  readonly dues = new Float64Array(CHUNK);
  readonly lives = new Uint16Array(CHUNK);
}

class Chunk {
  readonly files = new Uint32Array(CHUNK);
  readonly sizes = new Uint32Array(CHUNK);
  count = 0;
  attempts: Attempts | null = null;
}

/**
 * Where each operation that counts still has its record: id → number of the file, kind, size; 8 bytes an id, in chunks of 128 that go
 * when nothing in them counts any more.
 */
export class Places {
  readonly #chunks = new Map<number, Chunk>();
  /** The chunk that was used last. */
  #last: Chunk | null = null;
  #lastKey = -1;

  #find(id: number): Chunk | undefined {
    const key = Math.floor(id / CHUNK);
    if (key === this.#lastKey) return this.#last!;
    const chunk = this.#chunks.get(key);
    if (chunk !== undefined) {
      this.#last = chunk;
      this.#lastKey = key;
    }
    return chunk;
  }

  /** The number of the file with the record that counts; 0 where none does. */
  file(id: number): number {
    return this.#find(id)?.files[id % CHUNK] ?? 0;
  }

  /** Its kind; 0 where none counts. */
  kind(id: number): number {
    return (this.#find(id)?.sizes[id % CHUNK] ?? 0) >>> KIND_SHIFT;
  }

  /** Its size in bytes. */
  size(id: number): number {
    return ((this.#find(id)?.sizes[id % CHUNK] ?? 0) & SIZE_MASK) * 8;
  }

  /** Notes where the record is that counts from now on. */
  set(id: number, kind: RecordKind, file: number, size: number): void {
    let chunk = this.#find(id);
    if (chunk === undefined) {
      chunk = new Chunk();
      this.#lastKey = Math.floor(id / CHUNK);
      this.#last = chunk;
      this.#chunks.set(this.#lastKey, chunk);
    }
    const at = id % CHUNK;
    if (chunk.files[at] === 0) chunk.count++;
    chunk.files[at] = file;
    chunk.sizes[at] = (kind << KIND_SHIFT) | (size / 8);
  }

  /** Nothing counts of it any more. */
  delete(id: number): void {
    const chunk = this.#find(id);
    const at = id % CHUNK;
    if (chunk === undefined || chunk.files[at] === 0) return;
    chunk.files[at] = 0;
    chunk.sizes[at] = 0;
    if (chunk.attempts !== null) chunk.attempts.files[at] = 0;
    if (--chunk.count > 0) return;
    this.#chunks.delete(this.#lastKey);
    this.#last = null;
    this.#lastKey = -1;
  }

  /** Whether a chunk has none that counts: its ids need not be looked at one by one. */
  skip(id: number): number {
    return this.#find(id) === undefined ? CHUNK - (id % CHUNK) : 0;
  }

  /** The attempt of an operation that counts; null where none was noted, or it stands in its record. */
  attempt(id: number): Attempt | null {
    const attempts = this.#find(id)?.attempts;
    const at = id % CHUNK;
    const file = attempts?.files[at] ?? 0;
    if (file === 0) return null;
    const life = attempts!.lives[at]!;
    return { file, due: attempts!.dues[at]!, attempts: life & 0xff, state: (life >>> 8) as DueState };
  }

  /** Notes one of an operation that counts; with file 0 it is forgotten. */
  setAttempt(id: number, { file, attempts, due, state }: Attempt): void {
    const chunk = this.#find(id)!;
    const all = chunk.attempts ??= new Attempts();
    const at = id % CHUNK;
    all.files[at] = file;
    all.dues[at] = due;
    all.lives[at] = attempts | (state << 8);
  }

  /** The most bytes of a record of a kind that counts; 0 where there is none. */
  largest(kind: RecordKind): number {
    let most = 0;
    for (const { sizes } of this.#chunks.values()) {
      for (const each of sizes) {
        if (each >>> KIND_SHIFT === kind && (each & SIZE_MASK) > most) most = each & SIZE_MASK;
      }
    }
    return 8 * most;
  }

  /** The ids whose record that counts is of a kind, in ascending order. */
  *ids(kind: RecordKind): Generator<number> {
    for (const key of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const { sizes } = this.#chunks.get(key)!;
      for (let at = 0; at < CHUNK; at++) if (sizes[at]! >>> KIND_SHIFT === kind) yield key * CHUNK + at;
    }
  }
}
