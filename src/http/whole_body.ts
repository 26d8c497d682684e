import type { BodyReader } from "./body_reader.ts";
import type { Input } from "./input.ts";

const FIRST_BYTES = 1024;

/** A body of chunks, put together. */
export class WholeBody {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  length = 0;

  /** Reads on; "long" where it has more than so many bytes. Throws HttpError. */
  read(reader: BodyReader, input: Input, most: number): "whole" | "more" | "long" {
    for (;;) {
      const next = reader.next(input);
      if (next !== "piece") return next === "end" ? "whole" : "more";
      const { at, length } = reader;
      if (this.length + length > most) return "long";
      this.#grow(this.length + length);
      this.bytes.set(input.bytes.subarray(at, at + length), this.length);
      this.length += length;
    }
  }

  clear(): void {
    this.bytes = this.bytes.length === 0 ? this.bytes : new Uint8Array(0);
    this.length = 0;
  }

  #grow(needed: number): void {
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2, FIRST_BYTES));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
