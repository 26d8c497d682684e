import { setImmediate } from "node:timers";
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  type Libc,
  type LibcLibrary,
} from "../net/libc.ts";

/** struct epoll_event is packed on x86-64 alone: events (4 bytes), then the data (8 bytes). */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const DATA_WORD = Deno.build.arch === "x86_64" ? 1 : 2;
/** Events taken at a time. */
const MAX_EVENTS = 512;
/** With nothing to read the thread sleeps for at most so long; in ms. */
const WAIT_MS = 1;
/** After so long timers, signals and other sockets get their turn; in ms. */
const TURN_MS = 2;

/** Who is told that a descriptor is ready. */
export interface LoadHandler {
  ready(events: number): void;
}

/**
 * Waits for the sockets of a load, blocking the thread: it has nothing else to do, and a reply is seen at once and in
 * turn, however many connections there are. (Deno's own sockets starve some of more than a hundred.)
 */
export class LoadEpoll {
  readonly libc: Libc;
  readonly #epoll: number;
  readonly #handlers = new Map<number, LoadHandler>();
  readonly #events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #change = new Uint32Array(EVENT_WORDS);
  #isRunning = true;

  /** @param library closed together with it */
  constructor(readonly library: LibcLibrary) {
    this.libc = library.symbols;
    this.#epoll = this.libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new Error("no descriptor left to wait for sockets with");
  }

  add(fd: number, events: number, handler: LoadHandler): void {
    this.#handlers.set(fd, handler);
    this.#control(EPOLL_CTL_ADD, fd, events);
  }

  change(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  remove(fd: number): void {
    this.#handlers.delete(fd);
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /** Serves the sockets until {@link stop}. */
  async run(): Promise<void> {
    while (this.#isRunning) {
      this.#turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** All descriptors must have been removed, and {@link run} have ended. */
  close(): void {
    this.libc.close(this.#epoll);
    this.library.close();
  }

  #turn(): void {
    const events = this.#events;
    const end = performance.now() + TURN_MS;
    do {
      const count = this.libc.epoll_wait(this.#epoll, events, MAX_EVENTS, WAIT_MS);
      if (count <= 0) return;
      for (let i = 0; i < count; i++) {
        this.#handlers.get(events[i * EVENT_WORDS + DATA_WORD]!)?.ready(events[i * EVENT_WORDS]!);
      }
    } while (this.#isRunning && performance.now() < end);
  }

  #control(operation: number, fd: number, events: number): void {
    this.#change[0] = events;
    this.#change[DATA_WORD] = fd;
    this.libc.epoll_ctl(this.#epoll, operation, fd, this.#change);
  }
}
