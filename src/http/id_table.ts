import { copyBytes } from "../protocol/copy_bytes.ts";
import { MAX_ID_BYTES } from "./batch_line.ts";
import type { Output } from "./output.ts";

const FIRST_IDS = 64;

/** What the lines of a batch are called by whoever sent them, by the ids that their operations have here. */
export class IdTable {
  #bytes = new Uint8Array(FIRST_IDS * MAX_ID_BYTES);
  #lengths = new Uint8Array(FIRST_IDS);
  /** Of those that have no id: their lines. */
  #lines = new Float64Array(FIRST_IDS);
  readonly #free: number[] = [];
  #used = 0;

  /** How many are under way. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** Gives a line an id here; `length` 0 where it has none of its own. */
  put(bytes: Uint8Array, at: number, length: number, line: number): number {
    const id = this.#free.pop() ?? this.#used++;
    if (id >= this.#lengths.length) this.#grow();
    this.#lengths[id] = length;
    this.#lines[id] = line;
    copyBytes(bytes, at, length, this.#bytes, id * MAX_ID_BYTES);
    return id;
  }

  /** Writes `{"id":7` or `{"line":3`, and forgets it. */
  write(id: number, output: Output): void {
    const length = this.#lengths[id]!;
    if (length === 0) output.addAscii(`{"line":${this.#lines[id]}`);
    else {
      output.addAscii('{"id":');
      output.addPart(this.#bytes, id * MAX_ID_BYTES, length);
    }
    this.#free.push(id);
  }

  #grow(): void {
    const count = this.#lengths.length * 2;
    this.#bytes = grown(this.#bytes, new Uint8Array(count * MAX_ID_BYTES));
    this.#lengths = grown(this.#lengths, new Uint8Array(count));
    this.#lines = grown(this.#lines, new Float64Array(count));
  }
}

function grown<T extends Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
