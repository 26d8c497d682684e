import type { JournalLimits } from "../journal/messages.ts";
import { type Committed, News, NewsKind } from "../journal/news.ts";
import { DueState } from "../journal/record_layout.ts";
import { acceptedBytes } from "../journal/write_record.ts";
import type { JournalStats } from "../observe/server_stats.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import type { Remembered } from "../queue/dedup.ts";
import type { Durability, StandIn } from "../queue/durability.ts";
import { IdSet } from "../queue/id_set.ts";
import type { Place } from "../queue/lane.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { type Addressee, blankOperation, type Operation, OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { Intake } from "./intake.ts";
import { JournalCondition } from "./journal_condition.ts";
import { JournalFigures } from "./journal_figures.ts";
import type { JournalQueueParts } from "./journal_parts.ts";
import { Loader } from "./loader.ts";
import { NewsReader } from "./news_reader.ts";
import type { Staging } from "./staging.ts";
import { type CommittedPlaces, Unsynced } from "./unsynced.ts";

/** Committed operations that lie in memory, in line or with workers: so many bytes, and at least so many operations. */
export const WINDOW_BYTES = 32 * 1024 * 1024;
const WINDOW_OPS = 1000;
/** Ids that are asked for at a time, when half of them are left. */
const ID_BLOCK = 2 ** 20;
/** Times of accepted operations are whole in this share of a ms: sums with the time of the epoch are exact then. */
const TIME_SHARE = 1024;

/**
 * A plugin's durability by a journal, on the main thread's side. Accepted operations are written to the intake ring and are
 * {@link Unsynced} until the journal's thread says that they are committed; then they get in line, or, where the window in
 * memory is full, are known by their ids alone until they are read back by the {@link Loader}.
 */
export class JournalQueue implements Durability, CommittedPlaces {
  readonly zero: number;
  kept = 0;
  readonly news: NewsReader;
  /** Resolves when what was found on disk is here, as far as there is room. */
  readonly ready: Promise<void>;
  readonly #unsynced: Unsynced;
  readonly #intake: Intake;
  readonly #spilled = new IdSet();
  readonly #loader: Loader;
  readonly #figures: JournalFigures;
  /** Of committed operations that are in lanes, or with workers. */
  #heldBytes = 0;
  #heldOps = 0;
  /** By the id of a sync operation: the one that stands for what async callers were told of it. */
  readonly #shadows = new Map<number, StandIn>();
  /** The operation whose end has been noted already, as a dead letter or a reply. */
  #noted = 0;
  readonly #committed: Committed;
  #askedIds: number;
  /** Operations that left memory without having ended: only on disk they wait for the next start. */
  #left = 0;
  readonly #condition: JournalCondition;
  isClosed = false;

  constructor(readonly parts: JournalQueueParts) {
    const { journal, journal: { recovered }, queue } = parts;
    const { reserved, diskBytes, liveBytes } = recovered;
    this.zero = parts.zero;
    this.#unsynced = new Unsynced(parts);
    this.#intake = new Intake(journal.intake, parts.zero);
    this.#figures = new JournalFigures(parts.now);
    this.#condition = new JournalCondition(journal, parts.events);
    this.#askedIds = reserved;
    this.#committed = { accepted: 0, reserved, diskBytes, liveBytes };
    queue.lastId = recovered.nextId - 1;
    for (const { first, count } of recovered.waiting) this.#spilled.addRun(first, count);
    this.kept = this.#spilled.size + recovered.parked;
    queue.countAway(this.kept, recovered.waitingBytes);
    this.#loader = new Loader({
      ...parts,
      spilled: this.#spilled,
      bytes: recovered.waitingBytes,
      entered: (bytes) => this.#hold(1, bytes),
    });
    this.ready = this.#loader.ready;
    parts.dead.keeper = this;
    parts.dedup.keeper = this;
    journal.onFailed = (problem) => this.#failed(problem);
    this.news = new NewsReader(journal.news, parts.now, () => this.#take(), () => {
      this.publish();
      parts.events.settled();
    });
    this.news.onWake();
  }

  get unsynced(): number {
    return this.#unsynced.ops;
  }

  get spilled(): number {
    return this.#spilled.size + this.#left;
  }

  refusal(contentLength: number): string | null {
    const { plugin, queue, journal } = this.parts;
    const { problem } = this.#condition;
    if (problem !== null) return `the journal of plugin ${plugin} takes nothing: ${problem}`;
    if (this.isClosed) return `the journal of plugin ${plugin} is closed: the plugin ends`;
    const grow = journal.growProblem(this.#unsynced.bytes + acceptedBytes(contentLength));
    if (grow !== null) {
      this.#condition.wantRoom(acceptedBytes(contentLength));
      return grow;
    }
    if (contentLength > journal.maxContentBytes) {
      return `the journal of plugin ${plugin} takes ${journal.maxContentBytes} bytes of params until the next start`;
    }
    if (queue.lastId < this.#committed.reserved && this.#intake.admits(contentLength)) return null;
    return `the disk does not keep up with plugin ${plugin}: ${this.unsynced} operations wait for it; try again later`;
  }

  get problem(): string | null {
    return this.#condition.standstill(this.#unsynced.bytes);
  }

  accept(
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    due: number,
    to: Addressee | null,
  ): void {
    const contentAt = this.#write(operation, source, at, length, due);
    const { records } = this.#intake.ring;
    // From the ring, where it lies aligned: that copy takes a fourth of the time.
    this.#unsynced.add(operation, records, contentAt, length, acceptedBytes(length), due, to);
  }

  retry(letter: DeadLetter, now: number): void {
    const { command, encoding, content } = letter;
    const operation = Object.assign(blankOperation(), { command, encoding, acceptedAt: now });
    this.accept(operation, content, 0, content.length, 0, null);
    this.#unsynced.replaces(operation.id, letter);
  }

  isSafe(id: number, sync: boolean): boolean {
    const own = sync ? this.#shadows.get(id)?.id : id;
    return own !== undefined && !this.#unsynced.has(own);
  }

  share(id: number, to: Addressee | null): void {
    if (to !== null) this.#unsynced.share(id, to);
  }

  shareSync(
    id: number,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    to: Addressee | null,
  ): void {
    const shadow = this.#shadows.get(id);
    if (shadow !== undefined) return this.share(shadow.id, to);
    this.#write(operation, source, at, length, 0);
    this.#unsynced.addShared(operation.id, acceptedBytes(length), operation.acceptedAt, to);
    this.#shadows.set(id, { id: operation.id, acceptedAt: operation.acceptedAt });
  }

  #write(operation: Operation, source: Uint8Array, at: number, length: number, due: number): number {
    operation.id = ++this.parts.queue.lastId;
    operation.acceptedAt = Math.round(operation.acceptedAt * TIME_SHARE) / TIME_SHARE;
    return this.#intake.accepted(operation, due, source, at, length);
  }

  parked(id: number, attempts: number, due: number, why: "retrying" | "postponed", bytes: number): void {
    this.#hold(-1, -bytes);
    const state = why === "retrying" ? DueState.Retrying : DueState.Postponed;
    this.#intake.attempt(id, attempts, due, state);
  }

  unparked(bytes: number): void {
    this.#hold(1, bytes);
  }

  finished(id: number, bytes: number): void {
    if (bytes > 0) this.#hold(-1, -bytes);
    this.kept--;
    if (this.#noted === id) this.#noted = 0;
    else this.#intake.ended(id);
  }

  finishedSync(id: number): void {
    const shadow = this.#shadows.get(id);
    if (shadow !== undefined) {
      this.#shadows.delete(id);
      if (this.#noted !== shadow.id) this.#intake.ended(shadow.id);
    }
    this.#noted = 0;
  }

  leftMemory(bytes: number): void {
    this.#hold(-1, -bytes);
    this.#left++;
    this.parts.queue.countAway(1, 0);
  }

  buried(letter: DeadLetter): void {
    this.#noted = letter.id;
    this.#intake.buried(letter);
  }

  unburied(id: number): void {
    this.#intake.ended(id);
  }

  remembered(operation: number, reply: Omit<Remembered, "id" | "acceptedAt">): number {
    const id = this.#shadows.get(operation)?.id ?? operation;
    this.#noted = id;
    this.#intake.remembered({ ...reply, id });
    return id;
  }

  forgotten(id: number): void {
    this.#intake.ended(id);
  }

  awayState(id: number): "unsynced" | "queued" | null {
    if (this.#unsynced.has(id)) return "unsynced";
    return this.#spilled.has(id) ? "queued" : null;
  }

  standIn(id: number): StandIn | null {
    return this.#shadows.get(id) ?? null;
  }

  stoodFor(id: number): number | null {
    for (const [sync, shadow] of this.#shadows) if (shadow.id === id) return sync;
    return null;
  }

  cancel(id: number, message: string): boolean {
    if (this.#unsynced.cancel(id, message)) return true;
    if (!this.#spilled.delete(id)) return false;
    this.#cancelSpilled(id, message);
    this.#loader.forgetIfNone();
    return true;
  }

  purge(message: string): number {
    const count = this.#unsynced.purge(message) + this.#spilled.size;
    for (const id of this.#spilled.ids()) this.#cancelSpilled(id, message);
    this.#spilled.clear();
    this.#loader.forgetIfNone();
    return count;
  }

  #cancelSpilled(id: number, message: string): void {
    this.kept--;
    this.#intake.ended(id);
    this.parts.queue.uncountAway(1, 0);
    this.parts.events.cancelledAway(id, message);
  }

  unsyncedRecords(): Iterable<Place> {
    return this.#unsynced.records();
  }

  publish(): void {
    if (this.#askedIds - this.parts.queue.lastId < ID_BLOCK / 2) {
      this.#askedIds += ID_BLOCK;
      this.#intake.reserved(this.#askedIds);
    }
    this.#intake.publish();
    const room = WINDOW_BYTES - this.#heldBytes;
    if (this.#spilled.size > 0 && room > WINDOW_BYTES / 2 && !this.isClosed) this.#loader.ask(room);
  }

  figures(): JournalStats {
    const own = {
      problem: this.problem,
      cleanup_problem: this.#condition.cleanupProblem,
      disk_level: this.#condition.level,
      unsynced: this.unsynced,
      unsynced_bytes: this.#unsynced.bytes,
      spilled: this.spilled,
      max_disk: this.parts.journal.limits.maxDisk,
      refused: this.#unsynced.refused,
    };
    return this.#figures.stats(own, this.#committed);
  }

  bound(limits: JournalLimits): void {
    this.parts.journal.bound(limits);
    this.#condition.bound(limits.maxDisk, this.#committed.diskBytes);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.publish();
    const { journal, events } = this.parts;
    // What is on its way is told all the same.
    const problem = await journal.close();
    while (this.news.read());
    if (problem !== null) this.#failed(problem);
    events.closed();
  }

  #failed(problem: string): void {
    this.#condition.problem = problem;
    this.#intake.abandon();
    this.#loader.fail(problem);
    this.#refuse(problem);
    this.#condition.tell(problem);
    this.parts.events.settled();
  }

  #take(): void {
    const { news } = this.parts.journal;
    switch (News.kind(news)) {
      case NewsKind.Committed:
        return this.#commit();
      case NewsKind.Refused: {
        const { count, problem } = News.refused(news);
        return this.#refuse(problem, count);
      }
      case NewsKind.Loaded:
        return this.#loader.loaded();
      case NewsKind.LoadedEnd:
        return this.#loader.loadedEnd();
      case NewsKind.State: {
        const state = News.state(news);
        this.#figures.note(state);
        // Files go also where nothing is committed.
        this.#committed.diskBytes = state.figures.diskBytes;
        this.#committed.liveBytes = state.figures.liveBytes;
        this.#condition.note(state);
      }
    }
  }

  #commit(): void {
    const committed = this.#committed;
    const before = committed.accepted;
    const { journal, events } = this.parts;
    News.committed(journal.news, committed);
    this.#condition.tookDisk(committed.diskBytes);
    if (committed.accepted === before) return;
    const ops = this.#unsynced.commit(committed.accepted - before, this);
    if (ops > 0) events.committed(ops);
  }

  replaced(letter: DeadLetter): void {
    this.#intake.ended(letter.id);
  }

  cancelled(id: number, message: string, segment: Segment, offset: number): void {
    this.kept++;
    this.parts.events.cancelledAway(id, message);
    this.finished(id, 0);
    this.parts.queue.uncount(OperationRecord.bytes(segment, offset));
  }

  entered(id: number, due: number, { lane }: Staging, segment: Segment, offset: number): void {
    const { queue, events, now, partOf } = this.parts;
    const length = OperationRecord.contentLength(segment, offset);
    const bytes = OperationRecord.bytes(segment, offset);
    this.kept++;
    const isDelayed = due > 0 && due > now();
    const isFull = this.#heldBytes >= WINDOW_BYTES && this.#heldOps >= WINDOW_OPS;
    if (!isDelayed && (isFull || this.#spilled.size > 0)) {
      this.#spilled.add(id);
      this.#loader.spilled(bytes, acceptedBytes(length));
      lane.take();
      return lane.done(segment);
    }
    const encoding = OperationRecord.encoding(segment, offset);
    const part = partOf(encoding, segment.bytes, OperationRecord.contentAt(offset), length);
    if (!isDelayed) {
      queue.parts[part]![LaneId.Async].adopt(lane);
      return this.#hold(1, bytes);
    }
    queue.parked.copy("delayed", part, LaneId.Async, segment, offset, due);
    lane.take();
    lane.done(segment);
    events.parked();
  }

  #refuse(problem: string, count?: number): void {
    for (const shared of this.#unsynced.refuse(problem, count)) {
      const sync = this.stoodFor(shared);
      if (sync !== null) this.#shadows.delete(sync);
    }
  }

  #hold(ops: number, bytes: number): void {
    this.#heldOps += ops;
    this.#heldBytes += bytes;
  }
}
