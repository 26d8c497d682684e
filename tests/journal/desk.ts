import { JournalStore, type StoreParts } from "../../src/journal/journal_store.ts";
import type { Recovered } from "../../src/journal/messages.ts";
import { type JournalState, News, NewsKind } from "../../src/journal/news.ts";
import { JournalRecord } from "../../src/journal/record.ts";
import {
  type AcceptedRecord,
  type DueState,
  type IdRun,
  RecordKind,
} from "../../src/journal/record_layout.ts";
import {
  acceptedBytes,
  attemptBytes,
  buriedBytes,
  endedBytes,
  errorBytes,
  keyBytes,
  rememberedBytes,
  writeAccepted,
  writeAttempt,
  writeBuried,
  writeEnded,
  writeRemembered,
} from "../../src/journal/write_record.ts";
import type { Words } from "../../src/protocol/copy_bytes.ts";
import { createRing, RingReader, RingWriter } from "../../src/ring/ring.ts";
import type { JournalFiles } from "../../src/journal/journal_files.ts";
import { plain } from "./records.ts";

export const FOLDER = "/journal";
export const EPOCH = 1_700_000_000_000;

/** A clock that a test moves. */
export class TestClock {
  now = 1000;
  readonly monotonic = (): number => this.now;
  readonly epoch = (): number => EPOCH + this.now;
}

/** What a journal has given back of an operation. */
export interface Given {
  readonly kind: number;
  readonly attempts: number;
  readonly due: number;
  readonly content: string;
}

/** The main thread's place at a journal that is open on a disk in memory. */
export class Desk {
  readonly store: JournalStore;
  readonly recovered: Recovered;
  readonly given = new Map<number, Given>();
  readonly spilledKeys: number[] = [];
  accepted = 0;
  /** In their order: how many were committed so far, or, below 0, how many were refused. */
  readonly told: number[] = [];
  refused: { readonly count: number; readonly problem: string }[] = [];
  states: JournalState[] = [];
  ends: { readonly isAll: boolean; readonly next: number; readonly passedOverBytes: number }[] = [];
  readonly #intake = createRing(2 ** 18);
  readonly #news = createRing(2 ** 18);
  readonly #writer = new RingWriter(this.#intake);
  readonly #reader = new RingReader(this.#news);

  constructor(
    readonly disk: JournalFiles,
    readonly clock: TestClock,
    options:
      & { syncMs?: number; maxDisk?: number; fillBytes?: number; maxContentBytes?: number; folder?: string }
      & Pick<StoreParts, "segmentBytes"> = {},
  ) {
    const {
      syncMs = 0,
      maxDisk = 2 ** 40,
      fillBytes = 2 ** 40,
      maxContentBytes = 2 ** 20,
      segmentBytes = 2 ** 24,
      folder = FOLDER,
    } = options;
    this.store = new JournalStore({
      files: disk,
      clock,
      segmentBytes,
      request: {
        plugin: "p",
        folder,
        intake: this.#intake,
        news: this.#news,
        limits: { syncMs, maxDisk },
        maxContentBytes,
        fillBytes,
      },
    });
    this.recovered = this.store.recovered;
  }

  accept(id: number, content = `content ${id}`, more: Partial<AcceptedRecord> = {}): void {
    const bytes = new TextEncoder().encode(content);
    this.#send(acceptedBytes(bytes.length), (ring) => {
      writeAccepted(ring.records, ring.at, { ...plain(id), ...more }, bytes, 0, bytes.length);
    });
  }

  attempt(id: number, attempts: number, due: number, state: DueState = 1): void {
    this.#send(attemptBytes(), ({ records, at }) => writeAttempt(records, at, id, attempts, due, state));
  }

  bury(id: number, text = `letter ${id}`): void {
    const content = new TextEncoder().encode(text);
    const letter = {
      ...{ id, command: 1, encoding: 2, attempts: 3, acceptedAt: EPOCH, failedAt: EPOCH + 1, code: 20 },
      error: "it has failed",
      content,
    };
    const error = errorBytes(letter);
    this.#send(buriedBytes(letter, error), ({ records, at }) => writeBuried(records, at, letter, error));
  }

  remember(id: number, until: number): void {
    const reply = { id, key: `key ${id}`, code: 1000, encoding: 0, until, content: new Uint8Array(3) };
    const key = keyBytes(reply);
    this.#send(rememberedBytes(reply, key), ({ records, at }) => writeRemembered(records, at, reply, key));
  }

  end(...runs: IdRun[]): void {
    this.#send(endedBytes(runs.length), ({ records, at }) => writeEnded(records, at, runs));
  }

  #send(size: number, write: (ring: RingWriter) => void): void {
    if (!this.#writer.reserve(size)) throw new Error("the test's ring is full");
    write(this.#writer);
    this.#writer.commit(size);
    this.#writer.publish();
  }

  /** Has the journal do what there is to do, and takes its news. */
  turn(): void {
    this.store.beginTurn();
    this.store.finishTurn();
    this.#look();
  }

  /** Turns until nothing is due, moving the clock for what waits a little. */
  settle(): void {
    for (let turns = 0; turns < 10_000; turns++) {
      this.turn();
      const wait = this.store.dueAt - this.clock.now;
      if (this.store.intake.unread === 0 && wait > 100) return;
      if (wait > 0) this.clock.now += wait;
    }
    throw new Error("the journal does not come to rest");
  }

  #look(): void {
    const ring = this.#reader;
    while (ring.next()) {
      const kind = News.kind(ring);
      if (kind === NewsKind.Committed) {
        const blank = { accepted: 0, reserved: 0, diskBytes: 0, liveBytes: 0 };
        this.accepted = News.committed(ring, blank).accepted;
        this.told.push(this.accepted);
      } else if (kind === NewsKind.Refused) {
        this.refused.push(News.refused(ring));
        this.told.push(-this.refused.at(-1)!.count);
      } else if (kind === NewsKind.State) this.states.push(News.state(ring));
      else if (kind === NewsKind.LoadedEnd) this.ends.push(News.loadedEnd(ring));
      else if (News.isSpilled(ring)) {
        this.spilledKeys.push(JournalRecord.id(ring.records, News.loadedAt(ring)));
      } else {this.given.set(
          JournalRecord.id(ring.records, News.loadedAt(ring)),
          givenOf(ring.records, News.loadedAt(ring)),
        );}
    }
    ring.release();
  }

  close(): string | null {
    return this.store.close();
  }
}

function givenOf(record: Words, at: number): Given {
  const kind = JournalRecord.kind(record, at);
  if (kind !== RecordKind.Accepted) {
    const { content } = kind === RecordKind.Buried
      ? JournalRecord.buried(record, at)
      : JournalRecord.remembered(record, at);
    return { kind, attempts: 0, due: 0, content: new TextDecoder().decode(content) };
  }
  const from = JournalRecord.contentAt(at);
  const content = record.bytes.slice(from, from + JournalRecord.contentLength(record, at));
  return {
    kind,
    attempts: JournalRecord.attempts(record, at),
    due: JournalRecord.due(record, at),
    content: new TextDecoder().decode(content),
  };
}
