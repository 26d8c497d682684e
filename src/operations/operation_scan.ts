import { heldRecords, type LiveRecord, parkedRecord } from "../pool/live_record.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { LaneId } from "../queue/operation_queue.ts";
import type { Place } from "../queue/lane.ts";
import { OperationRecord } from "../queue/record.ts";
import { ResultRecord } from "../results/result_record.ts";
import type { OperationMatcher } from "./operation_filter.ts";
import {
  contentOf,
  endedRow,
  letterRow,
  liveRow,
  type LookedAtPlugin,
  type RowMaker,
} from "./operation_row.ts";
import { type ScanPosition, type Section, SECTIONS, startOf } from "./scan_position.ts";
import type { OperationRow } from "./told.ts";

/** The clock is looked at after so many records. */
const CLOCK_EVERY = 64;
/** A record counts as so many bytes of text, so that a slice ends in time whatever is looked at. */
const TEXT_PER_LOOK = 16 * 1024;

/** A text is looked for in so many bytes of an operation's params. */
export const MAX_SEARCHED = 256 * 1024;

/** How far one look may go. */
export interface ScanBounds {
  readonly rows: number;
  readonly records: number;
  /** Of params that a text is looked for in. */
  readonly bytes: number;
  /** Of the thread's time, in ms. */
  readonly time: number;
}

/**
 * A look through a plugin's operations, bit by bit: what runs and what workers hold, what is in line in its order, what is not on disk yet,
 * what is parked; then dead letters and what has ended, the newest first. Between two bits anything may change. While nothing does,
 * each operation comes exactly once; one that takes a step meanwhile may come twice, or not at all.
 */
export class OperationScan {
  lookedAt = 0;
  readonly rows: OperationRow[] = [];
  /** It has come to its bounds before its end. */
  isCut = false;
  #bytes = 0;
  #time = 0;
  #position: ScanPosition | null;

  /**
   * @param clock monotonic, in ms
   * @param from null is the beginning
   */
  constructor(
    readonly plugin: LookedAtPlugin,
    readonly matcher: OperationMatcher,
    readonly bounds: ScanBounds,
    readonly maker: RowMaker,
    readonly clock: () => number,
    from: ScanPosition | null,
  ) {
    this.#position = from ?? startOf(SECTIONS[0]);
  }

  /** Where the rest begins; null where there is none. */
  get position(): ScanPosition | null {
    return this.#position;
  }

  /** Looks on until that time; false where it is over. */
  step(until: number): boolean {
    const begun = this.clock();
    const { bounds } = this;
    while (this.#position !== null) {
      const { section } = this.#position;
      if (this.#isWanted(section) && !this.#look(this.#position, until)) break;
      const next = SECTIONS[SECTIONS.indexOf(section) + 1];
      this.#position = next === undefined ? null : startOf(next);
    }
    this.#time += this.clock() - begun;
    if (this.#position === null) return false;
    this.isCut = this.#isFull || this.#time >= bounds.time;
    return !this.isCut;
  }

  get #isFull(): boolean {
    const { bounds } = this;
    return this.rows.length >= bounds.rows || this.lookedAt >= bounds.records || this.#bytes >= bounds.bytes;
  }

  #isWanted(section: Section): boolean {
    const { matcher } = this;
    const takes = (...states: Parameters<OperationMatcher["takesState"]>[0][]) =>
      states.some((state) => matcher.takesState(state));
    switch (section) {
      case "held":
        return takes("running", "queued");
      case "lanes":
        return takes("queued");
      case "unsynced":
        return takes("unsynced");
      case "parked":
        return takes("delayed", "retrying");
      case "dead":
        return takes("dead");
      case "ended":
        // It is not known what the params of those were.
        return !matcher.wantsText && takes("done", "failed", "cancelled", "expired");
    }
  }

  /** Looks through a section from there on; false where it is not at its end yet. */
  #look(from: ScanPosition, until: number): boolean {
    let text = 0;
    let count = 0;
    for (const { position, look } of this.#records(from)) {
      const bytes = look();
      this.#position = position;
      this.lookedAt++;
      this.#bytes += bytes;
      text += bytes;
      if (this.#isFull) return false;
      if (text < TEXT_PER_LOOK && ++count % CLOCK_EVERY > 0) continue;
      text = 0;
      if (this.clock() >= until) return false;
    }
    return true;
  }

  /** The records of a section, and where the look goes on behind each; `look` returns the bytes of text that it has looked through. */
  *#records(from: ScanPosition): Generator<{ readonly position: ScanPosition; look(): number }> {
    const { plugin: { queue, pool, results }, maker } = this;
    const { section, part, at, offset } = from;
    switch (section) {
      case "held":
        for (const record of heldRecords(queue, pool.holders)) {
          const id = queue.idOf(record.lane, record.segment, record.offset);
          if (id > at) yield { position: { ...from, at: id }, look: () => this.#live(record) };
        }
        return;
      case "lanes": {
        const lanes = queue.parts.flat();
        for (let index = part; index < lanes.length; index++) {
          const isFirst = index === part;
          const lane = index % 2 === 0 ? LaneId.Sync : LaneId.Async;
          for (const place of lanes[index]!.recordsFrom(isFirst ? at : 0, isFirst ? offset : 0)) {
            const next = { section, part: index, at: place.segment.order, offset: place.offset + 1 };
            yield { position: next, look: () => this.#waiting("queued", lane, place) };
          }
        }
        return;
      }
      case "unsynced":
        for (const place of queue.durability?.unsyncedRecords() ?? []) {
          const id = OperationRecord.asyncId(place.segment, place.offset);
          if (id <= at) continue;
          yield {
            position: { ...from, at: id },
            look: () => this.#waiting("unsynced", LaneId.Async, place),
          };
        }
        return;
      case "parked":
        for (const entry of queue.parked.entriesFrom(at)) {
          yield {
            position: { ...from, at: entry + 1 },
            look: () => this.#live(parkedRecord(queue, entry)),
          };
        }
        return;
      case "dead":
        for (const { order, value } of pool.dead.lettersBefore(at, offset)) {
          yield { position: { ...from, at: order, offset: value.id }, look: () => this.#letter(value) };
        }
        return;
      case "ended":
        for (const place of results?.store.placesBefore(at, offset, maker.now) ?? []) {
          const next = { ...from, at: place.segment.order, offset: place.offset };
          yield { position: next, look: () => this.#ended(place) };
        }
    }
  }

  #waiting(state: "queued" | "unsynced", lane: LaneId, place: Place): number {
    if (OperationRecord.isRemoved(place.segment, place.offset)) return 0;
    return this.#live({ state, lane, ...place, due: null, progress: null, worker: null });
  }

  #live(record: LiveRecord): number {
    const { matcher, maker } = this;
    const { state, segment, offset } = record;
    const command = OperationRecord.command(segment, offset);
    if (!matcher.takes(state, command, OperationRecord.acceptedAt(segment, offset), maker.now)) return 0;
    const content = matcher.wantsText ? contentOf(record, MAX_SEARCHED) : null;
    if (content === null || matcher.takesContent(content)) this.rows.push(liveRow(maker, record));
    return content?.length ?? 0;
  }

  #letter(letter: DeadLetter): number {
    const { matcher, maker } = this;
    if (!matcher.takes("dead", letter.command, letter.acceptedAt, maker.now)) return 0;
    const content = matcher.wantsText ? letter.content.subarray(0, MAX_SEARCHED) : null;
    if (content === null || matcher.takesContent(content)) this.rows.push(letterRow(maker, letter));
    return content?.length ?? 0;
  }

  /** One that is a dead letter has been looked at as that. */
  #ended({ segment, offset }: Place): number {
    const { matcher, maker, plugin: { pool, results } } = this;
    const state = ResultRecord.state(segment, offset);
    const command = ResultRecord.command(segment, offset);
    if (!matcher.takes(state, command, ResultRecord.acceptedAt(segment, offset), maker.now)) return 0;
    if (pool.dead.find(ResultRecord.id(segment, offset)) !== null) return 0;
    const kept = ResultRecord.read(segment, offset);
    if (results !== null) this.rows.push(endedRow(maker, kept, false));
    return kept.content.length;
  }
}
