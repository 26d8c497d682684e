import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { FromJournal, JournalLimits, ToJournal, Unopened } from "../journal/messages.ts";
import type { Log } from "../observe/log.ts";
import { createRing, maxRecordBytes, type RingMemory, RingReader, RingWriter } from "../ring/ring.ts";
import { type FillLevel, Watermarks } from "../queue/watermarks.ts";
import { within } from "../within.ts";
import type { OpenJournal } from "./open_journal.ts";

/** Memory of the rings, where records are not longer; in bytes. */
const INTAKE_BYTES = 4 * 1024 * 1024;
const NEWS_BYTES = 2 * 1024 * 1024;
/** What a record has beside contents, at most: the longest header, and that of the news. */
const RECORD_OVERHEAD = 512;
/** The bell has no records. */
const BELL_BYTES = 4096;
/** What a journal gets to be closed in, in ms. */
const CLOSE_MS = 10_000;
/** They are asked to give back what they need not so often at most, in ms. */
const SHRINK_MS = 1000;

/** A journal that cannot be opened; the message says which, where, and what to do. */
export class JournalError extends Error {
  override readonly name = "JournalError";

  constructor(message: string, readonly reason: Unopened["reason"] | "open") {
    super(message);
  }
}

/** The journal's thread, as a worker is talked to. */
export interface JournalPort {
  post(message: ToJournal): void;
  terminate(): void;
}

export interface JournalsOptions {
  readonly log: Log;
  /** What all journals may take on disk together, in bytes, as it is now. */
  readonly maxDisk: () => number;
  /** All of them together have come to take so much of that. */
  readonly onFilled: (level: FillLevel, before: FillLevel) => void;
  /** Starts the thread, for journals below that folder. */
  readonly start: (
    take: (message: FromJournal) => void,
    failed: (problem: string) => void,
    data: string,
  ) => JournalPort;
}

/** Which journal is wanted. */
export interface WantedJournal {
  readonly plugin: string;
  readonly folder: string;
  readonly limits: JournalLimits;
  /** The longest content of an operation, and of a reply. */
  readonly maxContentBytes: number;
  /** Of waiting operations so many bytes are read back at the start. */
  readonly fillBytes: number;
}

interface Opening {
  readonly resolve: (message: Extract<FromJournal, { kind: "opened" }>) => void;
  readonly reject: (error: JournalError) => void;
}

/** All journals of a server: their one thread, which is there only while one is open, and the disk that they share. */
export class Journals implements Disposable {
  readonly #opening = new Map<string, Opening>();
  readonly #closing = new Map<string, (problem: string | null) => void>();
  /** By plugin: what it takes on disk. */
  readonly #open = new Map<string, number>();
  /** What all of them take on disk, as far as is known. */
  diskBytes = 0;
  readonly #journals = new Set<OpenJournal>();
  readonly #bell: RingMemory = createRing(BELL_BYTES);
  readonly #marks: Watermarks;
  #shrunkAt = -Infinity;
  #port: JournalPort | null = null;
  /** Why the thread is gone; null where it is not. */
  #failure: string | null = null;

  constructor(readonly options: JournalsOptions) {
    this.#marks = new Watermarks(Infinity, options.maxDisk(), (level, before) => {
      options.onFilled(level, before);
      if (level === "warning") this.#shrink();
    });
  }

  /** How full {@link JournalsOptions.maxDisk} is. */
  get level(): FillLevel {
    return this.#marks.level;
  }

  isOpen(plugin: string): boolean {
    return this.#open.has(plugin);
  }

  /** Opens one. Rejects with {@link JournalError}. */
  async open(
    { plugin, folder, limits, maxContentBytes: wanted, fillBytes }: WantedJournal,
  ): Promise<OpenJournal> {
    if (this.#open.has(plugin)) {
      throw new JournalError("its journal is still being closed: try again in a moment", "open");
    }
    if (this.#port !== null && this.#failure !== null) throw new JournalError(this.#failure, "system");
    const longest = 2 * (2 * wanted + RECORD_OVERHEAD);
    const intake = createRing(Math.max(INTAKE_BYTES, longest));
    const news = createRing(Math.max(NEWS_BYTES, longest));
    const { promise, resolve, reject } = Promise.withResolvers<Extract<FromJournal, { kind: "opened" }>>();
    this.#opening.set(plugin, { resolve, reject });
    this.#open.set(plugin, 0);
    const port = this.#port ??= this.#start(dirname(folder));
    const reader = new RingReader(news);
    const maxContentBytes = Math.floor((maxRecordBytes(news) - RECORD_OVERHEAD) / 2);
    port.post({ kind: "open", plugin, folder, intake, news, limits, maxContentBytes, fillBytes });
    const recovered = await promise.catch((error) => {
      this.#gone(plugin);
      throw error;
    });
    let now = limits;
    const journal: OpenJournal = {
      recovered,
      intake: new RingWriter(intake, this.#bell),
      news: reader,
      maxContentBytes,
      load: (from, bytes) => port.post({ kind: "load", plugin, from, bytes }),
      get limits() {
        return now;
      },
      bound: (limits) => {
        if (isDeepStrictEqual(limits, now)) return;
        now = limits;
        port.post({ kind: "bound", plugin, limits });
      },
      growProblem: (unknown) => this.#growProblem(unknown),
      wantRoom: () => {
        this.#marks.refuse();
        this.#shrink();
      },
      tookDisk: (bytes) => {
        const before = this.#open.get(plugin);
        if (before === undefined) return;
        this.#open.set(plugin, bytes);
        this.diskBytes += bytes - before;
        this.#mark();
      },
      onFailed: () => {},
      close: () => this.#close(plugin, journal),
    };
    this.#journals.add(journal);
    return journal;
  }

  /** Ends the thread; all journals are closed. */
  [Symbol.dispose](): void {
    this.#port?.terminate();
    this.#port = null;
  }

  #growProblem(unknownBytes: number): string | null {
    if (this.#failure !== null) return this.#failure;
    const maxDisk = this.options.maxDisk();
    if (this.diskBytes + unknownBytes <= maxDisk) return null;
    return `the journals of all plugins take the ${maxDisk} bytes that max_disk allows; try again later`;
  }

  #mark(): void {
    const { diskBytes } = this;
    const maxDisk = this.options.maxDisk();
    if (this.#marks.maxBytes !== maxDisk) this.#marks.bound(Infinity, maxDisk, 0, diskBytes);
    this.#marks.rise(0, diskBytes);
    this.#marks.fall(0, diskBytes);
  }

  /** What of all journals need not be there is to go. */
  #shrink(): void {
    const now = performance.now();
    if (this.#port === null || this.#failure !== null || now < this.#shrunkAt + SHRINK_MS) return;
    this.#shrunkAt = now;
    for (const plugin of this.#open.keys()) this.#port.post({ kind: "shrink", plugin });
  }

  #start(data: string): JournalPort {
    this.#failure = null;
    const port = this.options.start(
      (message) => this.#take(message),
      (problem) => this.#failed(problem),
      data,
    );
    port.post({ kind: "start", bell: this.#bell });
    return port;
  }

  async #close(plugin: string, journal: OpenJournal): Promise<string | null> {
    let problem = this.#failure;
    if (problem === null) {
      const closed = Promise.withResolvers<string | null>();
      this.#closing.set(plugin, closed.resolve);
      this.#port!.post({ kind: "close", plugin });
      problem = "it was not closed in time";
      await within(CLOSE_MS, closed.promise.then((told) => void (problem = told)));
      this.#closing.delete(plugin);
    }
    journal.news.abandon();
    this.#journals.delete(journal);
    this.#gone(plugin);
    return problem;
  }

  #gone(plugin: string): void {
    this.diskBytes -= this.#open.get(plugin) ?? 0;
    this.#open.delete(plugin);
    this.#mark();
    if (this.#open.size === 0) this[Symbol.dispose]();
  }

  #take(message: FromJournal): void {
    const { plugin } = message;
    switch (message.kind) {
      case "opened":
        this.#opening.get(plugin)?.resolve(message);
        return void this.#opening.delete(plugin);
      case "unopened":
        this.#opening.get(plugin)?.reject(new JournalError(message.problem, message.reason));
        return void this.#opening.delete(plugin);
      case "closed":
        return this.#closing.get(plugin)?.(message.problem);
    }
  }

  /** The thread has ended by itself: nothing is safe from now on. */
  #failed(problem: string): void {
    this.#failure = `the journal's thread has failed: ${problem}`;
    this.options.log.error("the journal's thread has failed: nothing is taken until the next start", {
      error: problem,
    });
    for (const { reject } of this.#opening.values()) reject(new JournalError(this.#failure, "system"));
    this.#opening.clear();
    for (const resolve of this.#closing.values()) resolve(this.#failure);
    for (const journal of this.#journals) journal.onFailed(this.#failure);
  }
}
