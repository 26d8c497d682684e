import { assertEquals } from "@std/assert";
import { Loader } from "../../src/durable/loader.ts";
import { LoadedAs, News, NewsKind, writeLoaded, writeLoadedEnd } from "../../src/journal/news.ts";
import { acceptedBytes, writeAccepted } from "../../src/journal/write_record.ts";
import { DeadLetters } from "../../src/queue/dead_letters.ts";
import { Dedup } from "../../src/queue/dedup.ts";
import { IdSet } from "../../src/queue/id_set.ts";
import { LaneId, OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { SegmentPool } from "../../src/queue/segment.ts";
import { createRing, RingReader, RingWriter } from "../../src/ring/ring.ts";
import { plain } from "../journal/records.ts";

Deno.test("an operation that ended while it was read back is not taken for one that waits for its time, though it has had one; one that does waits no longer than was asked for, whatever the clock says", () => {
  const pool = new SegmentPool(2);
  const queue = new OperationQueue({ maxOps: 100, maxBytes: 1e6 }, new QueueBudget(Infinity), pool);
  const memory = createRing(8192);
  const [writer, news] = [new RingWriter(memory), new RingReader(memory)];
  const spilled = new IdSet();
  for (const id of [1, 2]) spilled.add(id);
  queue.countAway(3, 0);
  const loader = new Loader({
    plugin: "notes",
    journal: {
      recovered: {
        ...{ plugin: "notes", run: "", waiting: [], waitingBytes: 0, parked: 1, buried: 0, remembered: 0 },
        ...{ nextId: 4, reserved: 100, diskBytes: 0, liveBytes: 0, tail: null, problem: null },
      },
      intake: writer,
      news,
      maxContentBytes: 1000,
      limits: { syncMs: 0, maxDisk: 1e9 },
      load: () => {},
      bound: () => {},
      growProblem: () => null,
      wantRoom: () => {},
      tookDisk: () => {},
      onFailed: () => {},
      close: () => Promise.resolve(null),
    },
    queue,
    dead: new DeadLetters({ maxOps: 10, maxBytes: 1000 }),
    dedup: new Dedup({ window: 0, maxKeys: 10, maxBytes: 1000 }),
    zero: 0,
    now: () => 0,
    partOf: () => 0,
    keyOf: () => null,
    events: { parked: () => {} },
    spilled,
    bytes: 0,
    entered: () => {},
  });
  const give = (id: number, due: number, as: LoadedAs, delay = 0) => {
    const bytes = new Uint8Array(acceptedBytes(8));
    const record = { bytes, words: new Uint32Array(bytes.buffer) };
    writeAccepted(record, 0, { ...plain(id), due, delay }, new Uint8Array(8), 0, 8);
    writeLoaded(writer, record, 0, as);
  };
  // All three had a time once; that of the first two has passed, and the first is cancelled when it comes.
  give(1, 1000, LoadedAs.Here);
  give(2, 1000, LoadedAs.Here);
  give(3, 1e12, LoadedAs.Parked, 500);
  writeLoadedEnd(writer, { isAll: true, passedOverBytes: 0, next: 4 });
  writer.publish();
  spilled.delete(1);
  queue.uncountAway(1, 0);
  while (news.next()) News.kind(news) === NewsKind.Loaded ? loader.loaded() : loader.loadedEnd();
  news.release();
  const inLine = [...queue.parts[0]![LaneId.Async].records()].length;
  // The clock was set back by far: it waits for the half second that was asked for.
  assertEquals(queue.parked.earliest, 500);
  assertEquals({ inLine, parked: queue.parked.count, all: queue.ops }, { inLine: 1, parked: 1, all: 2 });
});
