import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { JournalRecord, recordProblem } from "../../src/journal/record.ts";
import {
  type AcceptedRecord,
  type BuriedRecord,
  DueState,
  RecordKind,
  type RememberedRecord,
} from "../../src/journal/record_layout.ts";
import {
  acceptedBytes,
  attemptBytes,
  bareBytes,
  buriedBytes,
  endedBytes,
  errorBytes,
  keyBytes,
  rememberedBytes,
  writeAccepted,
  writeAttempt,
  writeBuried,
  writeClosed,
  writeEnded,
  writeRemembered,
  writeReserved,
} from "../../src/journal/write_record.ts";
import { accepted, content, id, time, words } from "./records.ts";

const at = fc.nat(5).map((place) => place * 4);

Deno.test("an accepted operation is read as it was written, at every multiple of four, and what fills up is zero", () => {
  fc.assert(fc.property(accepted, content, at, (operation, bytes, place) => {
    const target = words(place + acceptedBytes(bytes.length));
    target.bytes.fill(0xff);
    writeAccepted(target, place, operation, bytes, 0, bytes.length);
    assertEquals(recordProblem(target, place, acceptedBytes(bytes.length)), null);
    const blank = { ...operation, id: 0, due: -1 } as AcceptedRecord;
    assertEquals(JournalRecord.accepted(target, place, blank), operation);
    const from = JournalRecord.contentAt(place);
    assertEquals(JournalRecord.contentLength(target, place), bytes.length);
    assertEquals(target.bytes.slice(from, from + bytes.length), bytes);
    const end = place + acceptedBytes(bytes.length);
    assertEquals(target.bytes.slice(from + bytes.length, end).every((each) => each === 0), true);
  }));
});

Deno.test("an attempt says the same for itself and when it is folded into its operation", () => {
  fc.assert(
    fc.property(
      accepted,
      fc.nat(126),
      time,
      fc.constantFrom(...Object.values(DueState)),
      (of, tries, due, state) => {
        const target = words(attemptBytes() + acceptedBytes(0));
        writeAttempt(target, 0, of.id, tries, due, state);
        writeAccepted(target, attemptBytes(), of, new Uint8Array(), 0, 0);
        JournalRecord.foldAttempt(target, attemptBytes(), tries, due, state);
        for (const place of [0, attemptBytes()]) {
          assertEquals(recordProblem(target, place, target.bytes.length - place), null);
          assertEquals(JournalRecord.id(target, place), of.id);
          assertEquals(JournalRecord.attempts(target, place), tries);
          assertEquals(JournalRecord.due(target, place), due);
          assertEquals(JournalRecord.state(target, place), state);
        }
      },
    ),
  );
});

Deno.test("dead letters, remembered replies and ends are read as they were written", () => {
  const encoded = fc.record({ encoding: fc.integer({ min: 1, max: 3 }), content });
  const letter = fc.record({
    id,
    command: fc.nat(0xffff),
    encoding: fc.integer({ min: 1, max: 3 }),
    attempts: fc.nat(126),
    acceptedAt: time,
    failedAt: time,
    code: fc.option(fc.integer({ min: 1, max: 999 })),
    error: fc.oneof(fc.string({ unit: "grapheme" }), encoded),
    content,
  });
  fc.assert(fc.property(letter, (each: BuriedRecord) => {
    const error = errorBytes(each);
    const target = words(buriedBytes(each, error));
    writeBuried(target, 0, each, error);
    assertEquals(recordProblem(target, 0, target.bytes.length), null);
    assertEquals(JournalRecord.buried(target, 0), each);
  }));
  const reply = fc.record({
    id,
    key: fc.string({ unit: "grapheme" }),
    code: fc.integer({ min: 1000, max: 2 ** 31 }),
    encoding: fc.nat(3),
    until: time,
    content,
  });
  fc.assert(fc.property(reply, (each: RememberedRecord) => {
    const key = keyBytes(each);
    const target = words(rememberedBytes(each, key));
    writeRemembered(target, 0, each, key);
    assertEquals(recordProblem(target, 0, target.bytes.length), null);
    assertEquals(JournalRecord.remembered(target, 0), each);
  }));
  const runs = fc.array(fc.record({ first: id, count: fc.integer({ min: 1, max: 2 ** 31 }) }), {
    minLength: 1,
  });
  fc.assert(fc.property(runs, (each) => {
    const target = words(endedBytes(each.length));
    writeEnded(target, 0, each);
    assertEquals(recordProblem(target, 0, target.bytes.length), null);
    const read = Array.from({ length: JournalRecord.runs(target, 0) }, (_, run) => ({
      first: JournalRecord.runFirst(target, 0, run),
      count: JournalRecord.runCount(target, 0, run),
    }));
    assertEquals(read, each);
  }));
  const target = words(2 * bareBytes());
  writeReserved(target, 0, 2 ** 53 - 1);
  writeClosed(target, bareBytes());
  assertEquals(JournalRecord.kind(target, 0), RecordKind.Reserved);
  assertEquals(JournalRecord.id(target, 0), 2 ** 53 - 1);
  assertEquals(JournalRecord.kind(target, bareBytes()), RecordKind.Closed);
});

Deno.test("what cannot be a record is told, whatever bytes are there, and nothing beyond them is asked for", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, available) => {
    const target = words(200);
    target.bytes.set(bytes);
    const problem = recordProblem(target, 0, available);
    if (problem === null) assertEquals(JournalRecord.bytes(target, 0) <= available, true);
  }));
  const target = words(acceptedBytes(3));
  assertStringIncludes(recordProblem(target, 0, 23) ?? "", "cut off");
  assertStringIncludes(recordProblem(target, 0, 48) ?? "", "0 bytes long");
  writeClosed(target, 0);
  target.bytes[8] = 99;
  assertStringIncludes(recordProblem(target, 0, 24) ?? "", "kind 99");
});
