import fc from "fast-check";
import { type AcceptedRecord, DueState } from "../../src/journal/record_layout.ts";
import type { Words } from "../../src/protocol/copy_bytes.ts";

/** Zeros, as bytes and as words. */
export function words(length: number): Words {
  const bytes = new Uint8Array((length + 7) & ~7);
  return { bytes, words: new Uint32Array(bytes.buffer) };
}

export const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
/** Epoch ms, as the journal keeps them: a multiple of 1/1024. */
export const time = fc.integer({ min: 0, max: 2 ** 51 }).map((ticks) => ticks / 1024);
export const content = fc.uint8Array({ maxLength: 600 });

/** An operation as it is accepted, with what it may have after that. */
export const accepted: fc.Arbitrary<AcceptedRecord> = fc.record({
  id,
  command: fc.nat(0xffff),
  encoding: fc.integer({ min: 1, max: 3 }),
  hops: fc.nat(16),
  keyed: fc.boolean(),
  attempts: fc.nat(126),
  acceptedAt: time,
  delay: fc.nat(2 ** 31 - 1),
  due: time,
  state: fc.constantFrom(...Object.values(DueState)),
});

/** An operation of which nothing special is known. */
export function plain(id: number): AcceptedRecord {
  return {
    id,
    command: 1,
    encoding: 2,
    hops: 0,
    keyed: false,
    attempts: 0,
    acceptedAt: 1_700_000_000_000,
    delay: 0,
    due: 0,
    state: DueState.Delayed,
  };
}
