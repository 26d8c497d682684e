import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createRing, maxRecordBytes, RingReader, RingWriter } from "../../src/ring/ring.ts";
import { within } from "../support/until.ts";

/** The header's word that says whether the reader sleeps. */
const SLEEPING_WORD = 16;
/** The first word after the header. */
const RECORDS_WORD = 64;
const CAPACITY_BYTES = 4096;

Deno.test("records come out as they went in, through wraps and full rings", () => {
  const longest = maxRecordBytes(createRing(CAPACITY_BYTES));
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), length: fc.nat(200) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("write" as const),
        length: fc.integer({ min: longest - 8, max: longest }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("publish" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const), most: fc.nat(20) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const memory = createRing(CAPACITY_BYTES);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const published: number[] = [];
      const committed: number[] = [];
      let written = 0;
      let read = 0;
      for (const each of steps) {
        if (each.kind === "write" && writer.reserve(each.length)) {
          write(writer, written++, each.length);
          committed.push(each.length);
        } else if (each.kind === "publish") {
          writer.publish();
          published.push(...committed.splice(0));
        } else if (each.kind === "read") {
          for (let i = 0; i < each.most; i++) {
            const length = published.shift();
            assertEquals(reader.next(), length !== undefined);
            if (length === undefined) break;
            checkRecord(reader, read++, length);
          }
          reader.release();
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("whatever stands in the memory, a reader finds no more than the ring holds, and nothing beyond its end", () => {
  const word = fc.oneof(
    fc.nat(CAPACITY_BYTES),
    fc.constantFrom(0xffffffff, 0x7fffffff, 3, 4, CAPACITY_BYTES - 4),
    fc.nat({ max: 0xffffffff }),
  );
  fc.assert(
    fc.property(word, fc.array(word, { minLength: 16, maxLength: 200, size: "max" }), (head, words) => {
      const memory = createRing(CAPACITY_BYTES);
      const all = new Uint32Array(memory.buffer);
      for (let at = RECORDS_WORD; at < all.length; at++) all[at] = words[at % words.length]!;
      all[0] = head;
      const reader = new RingReader(memory);
      let found = 0;
      for (; reader.next(); found++) assert(reader.at + reader.length <= CAPACITY_BYTES);
      assert(found <= CAPACITY_BYTES / 4);
      assert(reader.isBroken || reader.position === head);
      if (!reader.isBroken) return;
      assertEquals([reader.next(), reader.unread], [false, 0]);
      assertEquals(reader.sleep(() => {}), true);
      reader.abandon();
    }),
    { numRuns: 500 },
  );
});

Deno.test("the longest record fits an empty ring wherever its positions stand", () => {
  const memory = createRing(CAPACITY_BYTES);
  const longest = maxRecordBytes(memory);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  for (let index = 0; index < 3000; index++) {
    const length = index % 2 === 0 ? longest : (index * 4) % 512;
    assert(writer.reserve(length), `record ${index} of ${length} bytes does not fit`);
    write(writer, index, length);
    writer.publish();
    assert(reader.next());
    checkRecord(reader, index, length);
    reader.release();
  }
});

Deno.test("a full ring takes nothing until the reader gives room back", () => {
  const memory = createRing(CAPACITY_BYTES);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  let count = 0;
  while (writer.reserve(60)) write(writer, count++, 60);
  assertEquals(count, CAPACITY_BYTES / 64);
  writer.publish();
  assert(reader.next());
  assert(!writer.reserve(60), "read, but not given back");
  reader.release();
  assert(writer.reserve(60));
});

Deno.test("nothing is seen before it is published", () => {
  const memory = createRing(CAPACITY_BYTES);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  assert(writer.reserve(4));
  write(writer, 0, 4);
  assertEquals(reader.next(), false);
  writer.publish();
  assertEquals(reader.next(), true);
});

Deno.test("a ring with another one's bell wakes nobody who waits for that one alone", () => {
  const [first, second] = [createRing(CAPACITY_BYTES), createRing(CAPACITY_BYTES)];
  const [own, other] = [new RingReader(first), new RingReader(second, first)];
  const [ownWriter, otherWriter] = [new RingWriter(first), new RingWriter(second, first)];
  const woken: string[] = [];
  const isAsleep = () => Atomics.load(own.bell, SLEEPING_WORD) !== 0;

  assert(own.sleep(() => woken.push("own")));
  assert(otherWriter.reserve(4));
  write(otherWriter, 0, 4);
  otherWriter.publish();
  assert(isAsleep(), "the other ring's record does not count");
  assert(!own.sleep(() => woken.push("any"), other), "asked for, it does");

  assert(own.sleep(() => woken.push("own")));
  assert(ownWriter.reserve(4));
  write(ownWriter, 0, 4);
  ownWriter.publish();
  assert(!isAsleep(), "its own record counts");
});

Deno.test("a hundred thousand records go to a worker and come back in order, both sides sleeping and waking", async () => {
  const count = 100_000;
  const [input, output] = [createRing(CAPACITY_BYTES), createRing(CAPACITY_BYTES)];
  const worker = new Worker(new URL("../support/ring_echo.ts", import.meta.url), { type: "module" });
  const failed = Promise.withResolvers<void>();
  worker.onerror = (event) => {
    event.preventDefault();
    failed.reject(new Error(event.message));
  };
  worker.postMessage({ input, output });
  const [writer, reader] = [new RingWriter(input), new RingReader(output)];
  let written = 0;
  let read = 0;
  const done = Promise.withResolvers<void>();
  const pump = () => {
    try {
      do {
        while (reader.next()) checkRecord(reader, read, lengthOf(read++));
        reader.release();
        while (written < count && writer.reserve(lengthOf(written))) {
          write(writer, written, lengthOf(written++));
        }
        writer.publish();
        if (read === count) return done.resolve();
      } while (!reader.sleep(pump));
    } catch (error) {
      done.reject(error);
    }
  };
  pump();
  try {
    await within("all records", Promise.race([done.promise, failed.promise]));
  } finally {
    worker.terminate();
    reader.abandon();
  }

  function lengthOf(index: number): number {
    return 4 + (index * 7) % 150;
  }
});

function write(writer: RingWriter, index: number, length: number): void {
  writer.bytes.fill(index & 0xff, writer.at, writer.at + length);
  writer.commit(length);
}

function checkRecord(reader: RingReader, index: number, length: number): void {
  if (reader.length !== length) throw new Error(`record ${index} has ${reader.length} bytes, not ${length}`);
  for (let at = reader.at; at < reader.at + length; at++) {
    if (reader.bytes[at] !== (index & 0xff)) throw new Error(`record ${index} was changed`);
  }
}
