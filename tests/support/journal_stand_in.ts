import type { JournalPort, JournalsOptions } from "../../src/durable/journals.ts";
import type { FromJournal, ToJournal } from "../../src/journal/messages.ts";
import {
  type Committed,
  LoadedAs,
  writeCommitted,
  writeLoaded,
  writeLoadedEnd,
  writeRefused,
  writeState,
} from "../../src/journal/news.ts";
import { JournalRecord } from "../../src/journal/record.ts";
import { type DueState, RecordKind } from "../../src/journal/record_layout.ts";
import type { Words } from "../../src/protocol/copy_bytes.ts";
import { type RingMemory, RingReader, RingWriter } from "../../src/ring/ring.ts";

/** What is kept of one folder, over restarts. */
class Disk {
  readonly run = crypto.randomUUID();
  /** By id, in the order of acceptance. */
  readonly accepted = new Map<number, Words>();
  readonly buried = new Map<number, Words>();
  readonly remembered = new Map<number, Words>();
  reserved = 0;

  /** Takes a record over: it is committed. */
  take(record: Words): void {
    const id = JournalRecord.id(record, 0);
    switch (JournalRecord.kind(record, 0)) {
      case RecordKind.Accepted:
        return void this.accepted.set(id, record);
      case RecordKind.Attempt: {
        const attempts = JournalRecord.attempts(record, 0);
        const due = JournalRecord.due(record, 0);
        const state: DueState = JournalRecord.state(record, 0);
        const own = this.accepted.get(id);
        return own === undefined ? undefined : JournalRecord.foldAttempt(own, 0, attempts, due, state);
      }
      case RecordKind.Buried:
        this.accepted.delete(id);
        return void this.buried.set(id, record);
      case RecordKind.Remembered:
        this.accepted.delete(id);
        return void this.remembered.set(id, record);
      case RecordKind.Ended:
        for (let run = 0; run < JournalRecord.runs(record, 0); run++) {
          const first = JournalRecord.runFirst(record, 0, run);
          const count = JournalRecord.runCount(record, 0, run);
          for (let ended = first; ended < first + count; ended++) {
            for (const kept of [this.accepted, this.buried, this.remembered]) kept.delete(ended);
          }
        }
        return;
      case RecordKind.Reserved:
        this.reserved = Math.max(this.reserved, id);
    }
  }

  /** Waiting operations, and those that wait for a time; the oldest first. */
  sorted(now: number): { readonly waiting: [number, Words][]; readonly parked: Words[] } {
    const all = [...this.accepted];
    const isParked = ([, record]: [number, Words]) => JournalRecord.due(record, 0) > now;
    return {
      waiting: all.filter((each) => !isParked(each)),
      parked: all.filter(isParked).map(([, record]) => record),
    };
  }
}

/**
 * The journal's thread in the test's own thread, and its disk in memory: for what no disk does when a test wants it. It keeps
 * to the same messages, rings and records.
 */
export class JournalStandIn {
  readonly disks = new Map<string, Disk>();
  /** Nothing is committed. */
  holds = false;
  /** Nothing is even taken out of the rings. */
  stalls = false;
  /** Operations are refused with this sentence; {@link tellsProblem} says whether the server knows before. */
  problem: string | null = null;
  tellsProblem = false;
  /** Told when {@link problem} is. */
  cleanupProblem: string | null = null;
  readonly #open = new Map<string, Served>();
  #bell: RingMemory | null = null;
  #failed: (problem: string) => void = () => {};

  /** For a server's options. */
  readonly start: JournalsOptions["start"] = (take, failed) => {
    this.#failed = failed;
    const port: JournalPort = {
      post: (message) => queueMicrotask(() => this.#take(message, take)),
      terminate: () => {
        for (const served of this.#open.values()) served.end();
        this.#open.clear();
      },
    };
    return port;
  };

  /** Goes on after {@link holds} or {@link problem} was changed. */
  look(): void {
    for (const served of this.#open.values()) served.look();
  }

  /** The thread fails by itself. */
  fail(problem: string): void {
    this.crash();
    this.#failed(problem);
  }

  /** The thread dies with all that is not committed; the server must not be used any more. */
  crash(): void {
    for (const served of this.#open.values()) served.end();
    this.#open.clear();
  }

  #take(message: ToJournal, take: (message: FromJournal) => void): void {
    if (message.kind === "start") {
      this.#bell = message.bell;
      return;
    }
    const { plugin } = message;
    if (message.kind === "open") {
      const disk = this.disks.get(message.folder) ?? new Disk();
      this.disks.set(message.folder, disk);
      const served = new Served(disk, this, message, this.#bell!);
      this.#open.set(plugin, served);
      take({ kind: "opened", ...served.recovered() });
      return served.begin();
    }
    const served = this.#open.get(plugin);
    if (message.kind === "load") served?.load(message.from, message.bytes);
    if (message.kind !== "close") return;
    served?.commit();
    served?.end();
    this.#open.delete(plugin);
    take({ kind: "closed", plugin, problem: this.holds ? "the test holds it" : null });
  }
}

/** One journal that is open. */
class Served {
  readonly #intake: RingReader;
  readonly #news: RingWriter;
  #pending: Words[] = [];
  readonly #unsaid: ((news: RingWriter) => boolean)[] = [];
  #timer: number | undefined;
  readonly #committed: Committed = { accepted: 0, reserved: 0, diskBytes: 0, liveBytes: 0 };
  #problem: string | null = null;
  #isEnded = false;

  constructor(
    readonly disk: Disk,
    readonly standIn: JournalStandIn,
    readonly request: { readonly plugin: string; readonly intake: RingMemory; readonly news: RingMemory } & {
      readonly fillBytes: number;
    },
    bell: RingMemory,
  ) {
    this.#intake = new RingReader(request.intake, bell);
    this.#news = new RingWriter(request.news);
  }

  recovered() {
    const { disk } = this;
    const { waiting, parked } = disk.sorted(Date.now());
    const nextId = disk.reserved + 1;
    disk.reserved += 2 ** 20;
    return {
      plugin: this.request.plugin,
      run: disk.run,
      waiting: waiting.map(([first]) => ({ first, count: 1 })),
      waitingBytes: waiting.reduce((sum, [, record]) => sum + JournalRecord.bytes(record, 0), 0),
      parked: parked.length,
      buried: disk.buried.size,
      remembered: disk.remembered.size,
      nextId,
      reserved: disk.reserved,
      diskBytes: 0,
      liveBytes: 0,
      tail: null,
      problem: null,
    };
  }

  begin(): void {
    const { disk } = this;
    for (const record of [...disk.buried.values(), ...disk.remembered.values()]) {
      this.#say((news) => writeLoaded(news, record, 0, LoadedAs.Here));
    }
    for (const record of disk.sorted(Date.now()).parked) {
      this.#say((news) => writeLoaded(news, record, 0, LoadedAs.Parked));
    }
    this.load(0, this.request.fillBytes, true);
    this.#watch();
  }

  /** @param tellsKeys those that do not fit are told for their keys */
  load(from: number, bytes: number, tellsKeys = false): void {
    let left = bytes;
    let isAll = true;
    for (const [id, record] of this.disk.sorted(Date.now()).waiting) {
      if (id < from) continue;
      const size = JournalRecord.bytes(record, 0);
      if (left >= size && isAll) {
        this.#say((news) => writeLoaded(news, record, 0, LoadedAs.Here));
        left -= size;
        continue;
      }
      isAll = false;
      if (tellsKeys && JournalRecord.isKeyed(record, 0)) {
        this.#say((news) => writeLoaded(news, record, 0, LoadedAs.Spilled));
      }
    }
    this.#say((news) => writeLoadedEnd(news, { isAll, passedOverBytes: 0, next: 0 }));
  }

  commit(): void {
    if (this.standIn.stalls) return;
    const intake = this.#intake;
    while (intake.next()) {
      const bytes = intake.bytes.slice(intake.at, intake.at + intake.length);
      this.#pending.push({ bytes, words: new Uint32Array(bytes.buffer) });
    }
    intake.release();
    this.#tellProblem();
    if (this.standIn.holds) return;
    let refused = 0;
    for (const record of this.#pending) {
      const isAccepted = JournalRecord.kind(record, 0) === RecordKind.Accepted;
      if (isAccepted && this.standIn.problem !== null) refused++;
      else this.disk.take(record);
      if (isAccepted && this.standIn.problem === null) this.#committed.accepted++;
    }
    this.#pending = [];
    const { problem } = this.standIn;
    if (refused > 0) this.#say((news) => writeRefused(news, refused, problem!));
    this.#committed.reserved = this.disk.reserved;
    const committed = { ...this.#committed };
    this.#say((news) => writeCommitted(news, committed));
  }

  #tellProblem(): void {
    const problem = this.standIn.tellsProblem ? this.standIn.problem : null;
    if (problem === this.#problem) return;
    this.#problem = problem;
    const figures = {
      files: 1,
      diskBytes: 0,
      liveBytes: 0,
      freeBytes: null,
      unsyncedOps: 0,
      unsyncedBytes: 0,
      commits: 0,
      committedBytes: 0,
      compactedBytes: 0,
      failures: problem === null ? 0 : 7,
      commitP50: null,
      commitP99: null,
      commitTimes: { counts: [], sum_us: 0 },
    };
    this.#say((news) =>
      writeState(news, { problem, full: false, cleanupProblem: this.standIn.cleanupProblem, figures })
    );
  }

  /** In its order; what finds no room waits until it does. */
  #say(write: (news: RingWriter) => boolean): void {
    this.#unsaid.push(write);
    this.#sayAll();
  }

  #sayAll(): void {
    let count = 0;
    for (const write of this.#unsaid) {
      if (!write(this.#news)) break;
      count++;
    }
    this.#unsaid.splice(0, count);
    this.#news.publish();
    if (this.#unsaid.length === 0 || this.#isEnded || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sayAll();
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#isEnded = true;
    this.#intake.abandon();
  }

  look(): void {
    this.#watch();
  }

  #watch(): void {
    if (this.#isEnded) return;
    this.commit();
    // One that stalls is asked to look again.
    while (!this.#intake.sleep(() => this.#watch(), this.#intake) && !this.standIn.stalls) this.commit();
  }
}
