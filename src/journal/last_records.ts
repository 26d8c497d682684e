import type { Batch } from "./batch.ts";
import { JournalRecord } from "./record.ts";
import { type IdRun, RECORD_HEADER_BYTES, RecordKind } from "./record_layout.ts";
import { endedBytes, writeEnded, writeReserved } from "./write_record.ts";

/** Runs of one ENDED record. */
const MAX_RUNS = 256;

/**
 * Copies the records of a batch that still matter when all of it is read: of each id the last one, of operations with
 * their last attempt.
 *
 * @param isKnown whether files have a record of that id: its end must be told then
 * @param now epoch ms; replies whose time is over go
 */
export function copyLast(from: Batch, to: Batch, isKnown: (id: number) => boolean, now: number): void {
  /** By id: where its record lies, where the attempt behind it does. */
  const last = new Map<number, number[]>();
  const ended: number[] = [];
  let reserved = 0;
  for (const at of from.records()) {
    const id = JournalRecord.id(from, at);
    switch (JournalRecord.kind(from, at)) {
      case RecordKind.Attempt: {
        const [own] = last.get(id) ?? [];
        const kind = own === undefined ? RecordKind.Attempt : JournalRecord.kind(from, own);
        if (kind === RecordKind.Accepted) last.set(id, [own!, at]);
        else if (kind === RecordKind.Attempt) last.set(id, [at]);
        break;
      }
      case RecordKind.Reserved:
        reserved = Math.max(reserved, id);
        break;
      case RecordKind.Ended:
        for (const each of endedIds(from, at)) {
          last.delete(each);
          ended.push(each);
        }
        break;
      case RecordKind.Remembered:
        if (JournalRecord.until(from, at) > now) last.set(id, [at]);
        else {
          last.delete(id);
          ended.push(id);
        }
        break;
      default:
        last.set(id, [at]);
    }
  }
  if (reserved > 0) {
    writeReserved(to, to.room(RECORD_HEADER_BYTES), reserved);
    to.length += RECORD_HEADER_BYTES;
  }
  addEnded(to, runsOf(ended.filter(isKnown)));
  for (const at of [...last.values()].flat().sort((a, b) => a - b)) to.add(from, at);
}

function* endedIds(batch: Batch, at: number): Generator<number> {
  for (let run = 0; run < JournalRecord.runs(batch, at); run++) {
    const first = JournalRecord.runFirst(batch, at, run);
    for (let id = first; id < first + JournalRecord.runCount(batch, at, run); id++) yield id;
  }
}

function runsOf(ids: number[]): IdRun[] {
  const runs: { first: number; count: number }[] = [];
  for (const id of ids.sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run === undefined || id > run.first + run.count) runs.push({ first: id, count: 1 });
    else if (id === run.first + run.count) run.count++;
  }
  return runs;
}

function addEnded(to: Batch, runs: readonly IdRun[]): void {
  for (let from = 0; from < runs.length; from += MAX_RUNS) {
    const some = runs.slice(from, from + MAX_RUNS);
    writeEnded(to, to.room(endedBytes(some.length)), some);
    to.length += endedBytes(some.length);
  }
}
