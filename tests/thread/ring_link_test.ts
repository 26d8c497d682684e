import { assert, assertEquals } from "@std/assert";
import { appendRecord, blankOperation } from "../../src/queue/record.ts";
import { Segment } from "../../src/queue/segment.ts";
import { takeBackAll, writeOperation } from "../../src/ring/handoff.ts";
import { createRing, maxRecordBytes, type RingMemory, RingReader, RingWriter } from "../../src/ring/ring.ts";
import { RingLink } from "../../src/thread/ring_link.ts";
import { within } from "../support/until.ts";

/** Larger than what is sent at once, so that records are cut into pieces. */
const CAPACITY_BYTES = 1024 * 1024;
const OPERATION = Object.assign(blankOperation(), { id: 1, command: 1001, encoding: 1 });

interface End {
  readonly outgoing: readonly [RingMemory, RingMemory];
  readonly incoming: readonly [RingMemory, RingMemory];
  readonly link: RingLink;
  readonly texts: string[];
  readonly ended: Promise<string | null>;
}

function end(conn: Deno.Conn, onArrival: (end: End) => void): End {
  const ring = () => createRing(CAPACITY_BYTES);
  const [outgoing, incoming] = [[ring(), ring()] as const, [ring(), ring()] as const];
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const readers = [new RingReader(outgoing[0]), new RingReader(outgoing[1], outgoing[0])] as const;
  const link = new RingLink(conn, false, readers, incoming, {
    arrived: () => onArrival(own),
    text: (text) => texts.push(text),
    ended: resolve,
  });
  const own: End = { outgoing, incoming, link, texts, ended: promise };
  return own;
}

async function socketPair(): Promise<[Deno.Conn, Deno.Conn]> {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const path = `${folder}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const pair = await Promise.all([Deno.connect({ transport: "unix", path }), listener.accept()]);
  listener.close();
  await Deno.remove(folder, { recursive: true });
  return pair;
}

Deno.test("records of every length go over a link whole and in order, through full rings and both lanes", async () => {
  const count = 3000;
  const longest = maxRecordBytes(createRing(CAPACITY_BYTES));
  const lengthOf = (index: number) => index % 50 === 0 ? longest - (index % 97) * 4096 : (index * 37) % 3000;
  const done = Promise.withResolvers<void>();
  const read: [number, number] = [0, 0];
  const [here, there] = await socketPair();
  const sender = end(here, () => {});
  const readers = new Map<0 | 1, RingReader>();
  const receiver = end(there, ({ incoming, link }) => {
    for (const lane of [0, 1] as const) {
      const reader = readers.get(lane) ?? new RingReader(incoming[lane]);
      readers.set(lane, reader);
      for (; reader.next(); read[lane]++) {
        const length = lengthOf(read[lane]);
        const value = read[lane] & 0xff;
        const isSame = reader.length === length && (length === 0 ||
          (reader.bytes[reader.at] === value && reader.bytes[reader.at + length - 1] === value));
        if (!isSame) return done.reject(new Error(`record ${read[lane]} of lane ${lane} was changed`));
      }
      reader.release();
    }
    link.flush();
    if (read[0] === count && read[1] === count) done.resolve();
  });
  sender.link.start();
  receiver.link.start();
  const writers = [0, 1].map((lane) => new RingWriter(sender.outgoing[lane === 0 ? 0 : 1]));
  const written = [0, 0];
  const write = async () => {
    while (written.some((each) => each < count)) {
      for (const [lane, writer] of writers.entries()) {
        for (; written[lane]! < count && writer.reserve(lengthOf(written[lane]!)); written[lane]!++) {
          const length = lengthOf(written[lane]!);
          writer.bytes.fill(written[lane]! & 0xff, writer.at, writer.at + length);
          writer.commit(length);
        }
        writer.publish();
      }
      sender.link.flush();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await within("all records", Promise.race([done.promise, write().then(() => done.promise)]), 30_000);
  sender.link.close();
  assertEquals(await within("the end", receiver.ended), null);
});

Deno.test("a text comes after the records that were there before it, however long it is", async () => {
  const [here, there] = await socketPair();
  const text = "t".repeat(1_000_000);
  const seen: string[] = [];
  const done = Promise.withResolvers<void>();
  const sender = end(here, () => {});
  const receiver = end(there, ({ incoming, texts }) => {
    if (texts.length === 0 || seen.length > 0) return;
    const reader = new RingReader(incoming[0]);
    while (reader.next()) seen.push(String(reader.length));
    done.resolve();
  });
  const writer = new RingWriter(sender.outgoing[0]);
  for (const length of [400_000, 8]) {
    assert(writer.reserve(length));
    writer.commit(length);
  }
  writer.publish();
  sender.link.send(text);
  sender.link.start();
  receiver.link.start();
  await within("the text", done.promise);
  assertEquals([receiver.texts, seen], [[text], ["400000", "8"]]);
  receiver.link.close();
  await sender.ended;
});

Deno.test("a link ends over what is no message of its own, and reads nothing out of its bounds", async () => {
  const frame = (kind: number, ring: number, length: number, word: number, payload = 0) => {
    const bytes = new Uint8Array(12 + payload);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, kind | (ring << 8), true);
    view.setUint32(4, length, true);
    view.setUint32(8, word, true);
    return bytes;
  };
  const wrong: [string, Uint8Array][] = [
    ["a kind that is none", frame(9, 0, 0, 0)],
    ["a ring that is none", frame(2, 7, 0, 0)],
    ["a frame longer than any", frame(2, 0, 0xffffffff, 0)],
    ["a piece that does not follow", frame(2, 0, 4, 400, 4)],
    ["room for what was never sent", frame(3, 0, 0, 4096)],
  ];
  for (const [what, bytes] of wrong) {
    const [here, there] = await socketPair();
    const receiver = end(here, () => {});
    receiver.link.start();
    await there.write(bytes);
    assertEquals(await within(what, receiver.ended), "it sent what is no message of mevent's", what);
    there.close();
  }
});

Deno.test("what is taken back at the reader's side is what it had not begun, and comes once", () => {
  const memory = createRing(4096);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  const segment = new Segment(1024);
  const offset = appendRecord(segment, OPERATION, new Uint8Array(300), 0, 300);
  let slot = 0;
  const put = () => assert(writeOperation(writer, slot++, 7, false, segment, offset));
  for (let i = 0; i < 8; i++) put();
  writer.publish();
  for (let i = 0; i < 6; i++) assert(reader.next());
  reader.release();
  // Over the ring's end.
  for (let i = 0; i < 5; i++) put();
  writer.publish();
  assertEquals(takeBackAll(memory), [6, 7, 8, 9, 10, 11, 12].flatMap((each) => [each, 7]));
  assertEquals(takeBackAll(memory), []);
});
