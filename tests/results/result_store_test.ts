import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SegmentPool } from "../../src/queue/segment.ts";
import {
  type KeptResult,
  RESULT_HEADER_BYTES,
  resultBytes,
  TOO_LARGE,
} from "../../src/results/result_record.ts";
import { type ResultLimits, ResultStore } from "../../src/results/result_store.ts";

/** What may be done to a store. */
type Step =
  | { readonly kind: "keep"; readonly length: number }
  | { readonly kind: "find" | "retry"; readonly back: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "sweep" }
  | { readonly kind: "bound"; readonly limits: ResultLimits };

interface Kept {
  readonly id: number;
  readonly endedAt: number;
  readonly bytes: number;
  readonly fill: number;
  readonly length: number;
  readonly isCut: boolean;
  retriedAs: number;
}

/** The same, as plainly as can be said. */
class Model {
  kept: Kept[] = [];
  dropped = 0;

  constructor(public limits: ResultLimits) {}

  get bytes(): number {
    return this.kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  forgetOld(now: number, most = Infinity): void {
    for (let count = 0; count < most && this.kept.length > 0; count++) {
      if (this.kept[0]!.endedAt + this.limits.keep > now) return;
      this.kept.shift();
    }
  }

  makeRoom(ops: number, bytes: number): void {
    const { maxOps, maxBytes } = this.limits;
    while (this.kept.length > 0 && (this.kept.length + ops > maxOps || this.bytes + bytes > maxBytes)) {
      this.kept.shift();
      this.dropped++;
    }
  }
}

const limits: fc.Arbitrary<ResultLimits> = fc.record({
  keep: fc.integer({ min: 1, max: 200 }),
  maxOps: fc.integer({ min: 1, max: 30 }),
  maxBytes: fc.oneof(fc.integer({ min: 1024, max: 8000 }), fc.constant(3 * 1024 * 1024)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("keep" as const), length: fc.integer({ max: 600, min: 0 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("keep" as const),
      length: fc.integer({ max: 1_500_000, min: 20_000 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("find" as const, "retry" as const), back: fc.nat(40) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "sweep" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("bound" as const), limits }) },
);

Deno.test("a store holds its bounds exactly, forgets the oldest first, and tells what was kept, whatever is done to it", () => {
  const source = new Uint8Array(1_500_100);
  fc.assert(
    fc.property(
      limits,
      fc.integer({ min: 0, max: 2 }),
      fc.array(step, { maxLength: 120 }),
      (first, high, steps) => {
        const store = new ResultStore(first, new SegmentPool());
        const model = new Model(first);
        // Ids beyond 32 bits, and around the place where their lower half begins again.
        let id = high * 2 ** 32 - (high === 0 ? 0 : 40);
        let now = 1000;
        for (const each of steps) {
          if (each.kind === "pass") now += each.ms;
          else if (each.kind === "keep") {
            id++;
            const fill = id & 0xff;
            source.fill(fill, 7, 7 + each.length);
            const ending = {
              id,
              command: 1001,
              state: "done" as const,
              code: 1000,
              acceptedAt: now - 5,
              endedAt: now,
              attempts: 2,
            };
            store.keep(ending, 2, source, 7, each.length);
            const isCut = resultBytes(each.length) > model.limits.maxBytes;
            const length = isCut ? 0 : each.length;
            model.forgetOld(now, 4);
            if (isCut) {
              model.forgetOld(now, 4);
              model.dropped++;
            }
            const bytes = resultBytes(length);
            model.makeRoom(1, bytes);
            model.kept.push({ id, endedAt: now, bytes, fill, length, isCut, retriedAs: 0 });
          } else if (each.kind === "sweep") {
            store.sweep(now, Infinity);
            model.forgetOld(now);
          } else if (each.kind === "bound") {
            store.bound(each.limits, now);
            model.limits = each.limits;
            model.forgetOld(now);
            model.makeRoom(0, 0);
          } else {
            const wanted = id - each.back;
            const known = model.kept.find((kept) => kept.id === wanted);
            if (each.kind === "retry") {
              store.retried(wanted, wanted + 7, now);
              if (known !== undefined) known.retriedAs = wanted + 7;
            }
            const isThere = known !== undefined && known.endedAt + model.limits.keep > now;
            check(store.find(wanted, now), isThere ? known : null);
          }
          assertEquals([store.ops, store.bytes, store.dropped], [
            model.kept.length,
            model.bytes,
            model.dropped,
          ]);
          assert(store.ops <= model.limits.maxOps && store.bytes <= model.limits.maxBytes);
        }
        for (const kept of model.kept) check(store.find(kept.id, kept.endedAt), kept);
        store.clear();
        assertEquals([store.ops, store.bytes, store.find(id, now)], [0, 0, null]);
        store.keep(
          { id: 1, command: 7, state: "failed", code: 14, acceptedAt: 0, endedAt: now, attempts: 1 },
          0,
          source,
          0,
          0,
        );
        assertEquals(store.find(1, now)?.state, "failed");
      },
    ),
    { numRuns: 300 },
  );
});

function check(found: KeptResult | null, kept: Kept | null): void {
  if (kept === null) return assertEquals(found, null);
  assert(found !== null, `the result of ${kept.id} is there`);
  const { id, endedAt, content, encoding, retried } = found;
  assertEquals([id, endedAt, content.length], [kept.id, kept.endedAt, kept.length]);
  assertEquals(encoding, kept.isCut ? TOO_LARGE : 2);
  assertEquals(retried?.id ?? 0, kept.retriedAs);
  assert(content.every((byte) => byte === kept.fill));
}

Deno.test("memory of a store that is full goes round: a million results take the segments of those that are kept", () => {
  const pool = new SegmentPool();
  let held = 0;
  const take = pool.take.bind(pool);
  const give = pool.give.bind(pool);
  pool.take = (size, count) => (held++, take(size, count));
  pool.give = (segment) => (held--, give(segment));
  const store = new ResultStore({ keep: 1e9, maxOps: 1000, maxBytes: 1 << 20 }, pool);
  const source = new Uint8Array(100);
  for (let id = 1; id <= 1_000_000; id++) {
    store.keep(
      { id, command: 1, state: "done", code: 1000, acceptedAt: 0, endedAt: id, attempts: 1 },
      2,
      source,
      0,
      100,
    );
  }
  assertEquals([store.ops, store.dropped, store.bytes], [1000, 999_000, 1000 * (RESULT_HEADER_BYTES + 104)]);
  assert(held <= 6, `${held} segments hold ${store.bytes} bytes`);
  assertEquals([store.find(999_000, 0), store.find(999_001, 0)?.id], [null, 999_001]);
});
