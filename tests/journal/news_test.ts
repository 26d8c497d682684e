import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type JournalState,
  LoadedAs,
  News,
  NewsKind,
  writeCommitted,
  writeLoaded,
  writeLoadedEnd,
  writeRefused,
  writeState,
} from "../../src/journal/news.ts";
import { JournalRecord } from "../../src/journal/record.ts";
import { acceptedBytes, writeAccepted } from "../../src/journal/write_record.ts";
import { createRing, RingReader, RingWriter } from "../../src/ring/ring.ts";
import { accepted, content, words } from "./records.ts";

function pair(): { writer: RingWriter; reader: RingReader } {
  const ring = createRing(8192);
  return { writer: new RingWriter(ring), reader: new RingReader(ring) };
}

Deno.test("news arrive as they were told, in their order", () => {
  const { writer, reader } = pair();
  const committed = { accepted: 2 ** 40 + 1, reserved: 2 ** 52, diskBytes: 2 ** 41, liveBytes: 7 };
  const end = { isAll: true, passedOverBytes: 2 ** 33, next: 2 ** 50 + 3 };
  const state: JournalState = {
    problem: "no space is left — für nichts",
    full: true,
    cleanupProblem: "an old file is damaged",
    figures: {
      files: 3,
      diskBytes: 1,
      liveBytes: 2,
      freeBytes: null,
      unsyncedOps: 4,
      unsyncedBytes: 5,
      commits: 6,
      committedBytes: 7,
      compactedBytes: 8,
      failures: 10,
      commitP50: 9,
      commitP99: null,
      commitTimes: { counts: [1, 2], sum_us: 2 ** 40 },
    },
  };
  writeCommitted(writer, committed);
  writeRefused(writer, 12, state.problem!);
  writeLoadedEnd(writer, end);
  writeState(writer, state);
  writer.publish();
  const next = () => reader.next() ? News.kind(reader) : null;
  assertEquals(next(), NewsKind.Committed);
  assertEquals(News.committed(reader, { accepted: 0, reserved: 0, diskBytes: 0, liveBytes: 0 }), committed);
  assertEquals(next(), NewsKind.Refused);
  assertEquals(News.refused(reader), { count: 12, problem: state.problem! });
  assertEquals(next(), NewsKind.LoadedEnd);
  assertEquals(News.loadedEnd(reader), end);
  assertEquals(next(), NewsKind.State);
  assertEquals(News.state(reader), state);
  assertEquals(next(), null);
});

Deno.test("a record that is read back lies in the ring as it lay in its file; a full ring takes nothing", () => {
  fc.assert(
    fc.property(accepted, content, fc.constantFrom(...Object.values(LoadedAs)), (operation, bytes, as) => {
      const { writer, reader } = pair();
      const record = words(8 + acceptedBytes(bytes.length));
      writeAccepted(record, 8, operation, bytes, 0, bytes.length);
      let written = 0;
      while (writeLoaded(writer, record, 8, as)) written++;
      writer.publish();
      for (; reader.next(); written--) {
        const at = News.loadedAt(reader);
        assertEquals(News.isSpilled(reader), as === LoadedAs.Spilled);
        assertEquals(News.isParked(reader), as === LoadedAs.Parked);
        assertEquals(JournalRecord.accepted(reader.records, at, { ...operation, id: 0 }), operation);
        assertEquals(reader.bytes.slice(at, at + acceptedBytes(bytes.length)), record.bytes.slice(8));
      }
      assertEquals(written, 0);
    }),
  );
});
