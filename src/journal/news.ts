import type { HistogramStats } from "../observe/latency_histogram.ts";
import { copyWords, type Words } from "../protocol/copy_bytes.ts";
import type { RingReader, RingWriter } from "../ring/ring.ts";
import { JournalRecord } from "./record.ts";

/**
 * What the journal's thread tells the main thread of one plugin, over a ring; 32-bit words, numbers of 8 bytes as floats:
 *
 * ```
 *            0      4           8          12         20         28        36
 * COMMITTED  | kind | 0         | 0        | accepted | reserved | on disk | alive |
 * REFUSED    | kind | count     | problem, UTF-8
 * LOADED     | kind | how       | a record of the journal, as it lies in a file
 * LOADED_END | kind | isAll     | 0        | passed over | next id |
 * STATE      | kind | JSON
 * ```
 */
export const NewsKind = { Committed: 1, Refused: 2, Loaded: 3, LoadedEnd: 4, State: 5 } as const;

/** What a record that is read back is: one that is here now; an operation that waits for its time; one that stays on disk, told for its key. */
export const LoadedAs = { Here: 0, Spilled: 1, Parked: 2 } as const;
export type LoadedAs = typeof LoadedAs[keyof typeof LoadedAs];

const COMMITTED_BYTES = 44;
const LOADED_END_BYTES = 28;
/** Bytes of a LOADED record beside the journal's own. */
export const LOADED_HEADER_BYTES = 8;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How far the journal is; one is reused for all. */
export interface Committed {
  /** ACCEPTED records that were committed since the journal was opened. */
  accepted: number;
  /** The highest id that may be given out. */
  reserved: number;
  diskBytes: number;
  /** Of records that count still. */
  liveBytes: number;
}

/** What operators are told of a plugin's journal. */
export interface JournalFigures {
  readonly files: number;
  readonly diskBytes: number;
  readonly liveBytes: number;
  /** What is left on the file system for this user; null where the system does not tell. */
  readonly freeBytes: number | null;
  /** Written and not synced yet, or waiting to be written again. */
  readonly unsyncedOps: number;
  readonly unsyncedBytes: number;
  /** Since the journal was opened. */
  readonly commits: number;
  readonly committedBytes: number;
  readonly compactedBytes: number;
  /** How often it has stopped taking operations because the system refused. */
  readonly failures: number;
  /** How long a write with its sync took, within the last minute, in µs; null where there was none. */
  readonly commitP50: number | null;
  readonly commitP99: number | null;
  /** How long they took since the journal was opened. */
  readonly commitTimes: HistogramStats;
}

/** How a plugin's journal is. */
export interface JournalState {
  /** Why it does not take anything at the moment; null where it does. */
  readonly problem: string | null;
  /** `journal.max_disk` has no room for an operation at the moment. */
  readonly full: boolean;
  /** Why files that need not be there any more stay; null where none do. */
  readonly cleanupProblem: string | null;
  readonly figures: JournalFigures;
}

/** Each is false where the ring has no room now; nothing is written then. */
export function writeCommitted(ring: RingWriter, news: Committed): boolean {
  if (!ring.reserve(COMMITTED_BYTES)) return false;
  const word = begin(ring, NewsKind.Committed, 0);
  ring.data[word + 2] = 0;
  writeFloat(ring.data, word + 3, news.accepted);
  writeFloat(ring.data, word + 5, news.reserved);
  writeFloat(ring.data, word + 7, news.diskBytes);
  writeFloat(ring.data, word + 9, news.liveBytes);
  ring.commit(COMMITTED_BYTES);
  return true;
}

/** So many of the oldest operations that were written to the ring and not committed are refused. */
export function writeRefused(ring: RingWriter, count: number, problem: string): boolean {
  const text = encoder.encode(problem);
  if (!ring.reserve(8 + text.length)) return false;
  begin(ring, NewsKind.Refused, count);
  ring.bytes.set(text, ring.at + 8);
  ring.commit(8 + text.length);
  return true;
}

/** Gives a record that was read back. */
export function writeLoaded(ring: RingWriter, record: Words, at: number, as: LoadedAs): boolean {
  const length = JournalRecord.bytes(record, at);
  if (!ring.reserve(LOADED_HEADER_BYTES + length)) return false;
  begin(ring, NewsKind.Loaded, as);
  copyWords(record, at, length, ring.records, ring.at + LOADED_HEADER_BYTES);
  ring.commit(LOADED_HEADER_BYTES + length);
  return true;
}

/** What was asked for was read back. */
export interface LoadedEnd {
  /** Nothing more waits on disk. */
  isAll: boolean;
  /** Bytes of records that were read and are not needed any more. */
  passedOverBytes: number;
  /** Where the next load goes on: ids below it were looked at. */
  next: number;
}

export function writeLoadedEnd(ring: RingWriter, news: LoadedEnd): boolean {
  if (!ring.reserve(LOADED_END_BYTES)) return false;
  const word = begin(ring, NewsKind.LoadedEnd, news.isAll ? 1 : 0);
  ring.data[word + 2] = 0;
  writeFloat(ring.data, word + 3, news.passedOverBytes);
  writeFloat(ring.data, word + 5, news.next);
  ring.commit(LOADED_END_BYTES);
  return true;
}

export function writeState(ring: RingWriter, state: JournalState): boolean {
  const text = encoder.encode(JSON.stringify(state));
  if (!ring.reserve(4 + text.length)) return false;
  ring.data[ring.at >>> 2] = NewsKind.State;
  ring.bytes.set(text, ring.at + 4);
  ring.commit(4 + text.length);
  return true;
}

/** The news that a ring has found with `next`; what it gives is valid until the ring is released. */
export const News = {
  kind: (ring: RingReader): number => ring.data[ring.at >>> 2]!,

  committed(ring: RingReader, into: Committed): Committed {
    const word = ring.at >>> 2;
    into.accepted = readFloat(ring.data, word + 3);
    into.reserved = readFloat(ring.data, word + 5);
    into.diskBytes = readFloat(ring.data, word + 7);
    into.liveBytes = readFloat(ring.data, word + 9);
    return into;
  },

  refused(ring: RingReader): { readonly count: number; readonly problem: string } {
    // The decoder takes no shared memory.
    const problem = decoder.decode(ring.bytes.slice(ring.at + 8, ring.at + ring.length));
    return { count: ring.data[(ring.at >>> 2) + 1]!, problem };
  },

  /** Where in {@link RingReader.records} the journal's record lies. */
  loadedAt: (ring: RingReader): number => ring.at + LOADED_HEADER_BYTES,
  /** It stays on disk for now: it is told for its key alone. */
  isSpilled: (ring: RingReader): boolean => ring.data[(ring.at >>> 2) + 1] === LoadedAs.Spilled,
  /** It waits for its time. */
  isParked: (ring: RingReader): boolean => ring.data[(ring.at >>> 2) + 1] === LoadedAs.Parked,

  loadedEnd(ring: RingReader): LoadedEnd {
    const word = ring.at >>> 2;
    return {
      isAll: ring.data[word + 1] === 1,
      passedOverBytes: readFloat(ring.data, word + 3),
      next: readFloat(ring.data, word + 5),
    };
  },

  state(ring: RingReader): JournalState {
    return JSON.parse(decoder.decode(ring.bytes.slice(ring.at + 4, ring.at + ring.length)));
  },
} as const;

function begin(ring: RingWriter, kind: number, second: number): number {
  const word = ring.at >>> 2;
  ring.data[word] = kind;
  ring.data[word + 1] = second;
  return word;
}

function writeFloat(words: Uint32Array, word: number, value: number): void {
  float[0] = value;
  words[word] = floatWords[0]!;
  words[word + 1] = floatWords[1]!;
}

function readFloat(words: Uint32Array, word: number): number {
  floatWords[0] = words[word]!;
  floatWords[1] = words[word + 1]!;
  return float[0]!;
}
