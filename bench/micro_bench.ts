import { parseHdf } from "../src/hdf/parse.ts";
import { writeHdf } from "../src/hdf/write.ts";
import { BodyView, encodeBody, Encoding } from "../src/protocol/body.ts";
import { FrameReader } from "../src/protocol/frame.ts";
import { writeRequest } from "../src/protocol/request.ts";
import { LaneId, OperationQueue, QueueBudget } from "../src/queue/operation_queue.ts";
import { appendRecord, blankOperation } from "../src/queue/record.ts";
import { Segment, SegmentPool } from "../src/queue/segment.ts";
import { KeptResults } from "../src/results/kept_results.ts";
import { createRing, RingReader, RingWriter } from "../src/ring/ring.ts";
import { OperationView, writeOperation } from "../src/ring/handoff.ts";

// What one station costs for one operation with params of about 100 bytes; each bench does so many at a time.
const BATCH = 1000;
const HDF =
  "uid = 7\nname = bob\naddress{\ncity = Utrecht\nstreet = Oudegracht 1\n}\nnote = a hundred bytes or so, all in\n";

const body = encodeBody(Encoding.Json, { uid: 7, name: "bob", note: "x".repeat(80) });
const request = writeRequest({ id: 1, command: 1001, sync: true, plugin: "echo", body }, true);
const stream = new Uint8Array(request.length * BATCH);
for (let i = 0; i < BATCH; i++) stream.set(request, i * request.length);

Deno.bench("frame: cut 1000 messages out of a stream", () => {
  const reader = new FrameReader(65536);
  reader.push(stream);
  let count = 0;
  while (reader.next() === "message") count++;
  if (count !== BATCH) throw new Error(`${count} messages`);
});

const view = new BodyView();
Deno.bench("body: locate the content of 1000 messages", () => {
  for (let i = 0; i < BATCH; i++) view.locate(body, 0, body.length);
});

Deno.bench("hdf: parse and write 1000 texts", () => {
  for (let i = 0; i < BATCH; i++) writeHdf(parseHdf(HDF));
});

const operation = Object.assign(blankOperation(), { command: 1001, encoding: 1 });
const queue = new OperationQueue(
  { maxOps: 1e6, maxBytes: 1e9 },
  new QueueBudget(1e9),
  new SegmentPool(),
);
Deno.bench("queue: put, take and finish 1000 operations", () => {
  for (let i = 0; i < BATCH; i++) queue.put(0, LaneId.Async, operation, body, 20, 100);
  const lane = queue.parts[0]![LaneId.Async];
  while (lane.peek()) {
    const { segment, offset } = lane;
    lane.take();
    queue.finish(0, LaneId.Async, segment!, offset);
  }
});

const results = new KeptResults({ keep: 3_600_000, maxOps: 10_000, maxBytes: 16 << 20 }, new SegmentPool());
let ended = 0;
Deno.bench("results: keep what 1000 operations came to, the oldest of 10,000 going", () => {
  for (let i = 0; i < BATCH; i++) {
    results.ended(++ended, 1001, "done", 1000, 5, ended, 1, Encoding.Json, body, 20, 100);
  }
});

Deno.bench("results: find 1000 of the last 5000", () => {
  for (let i = 0; i < BATCH; i++) {
    if (results.store.find(ended - (i * 5) % 5000, ended) === null) throw new Error("it is not there");
  }
});

const memory = createRing(1 << 20);
const writer = new RingWriter(memory);
const reader = new RingReader(memory);
const found = new OperationView();
const segment = new Segment(1024);
const offset = appendRecord(segment, operation, body, 20, 100);
Deno.bench("ring: write, publish and read 1000 operations", () => {
  for (let i = 0; i < BATCH; i++) writeOperation(writer, i, i, true, segment, offset);
  writer.publish();
  while (reader.next()) found.claim(reader);
  reader.release();
});
