import { setImmediate } from "node:timers";
import { type EpollHandler, EpollSet } from "../net/epoll_set.ts";
import type { Libc, LibcLibrary } from "../net/libc.ts";

/** With nothing to read the thread sleeps for at most so long; in ms. */
const WAIT_MS = 1;
/** After so long timers, signals and other sockets get their turn; in ms. */
const TURN_MS = 2;

/**
 * Waits for the sockets of a load, blocking the thread: it has nothing else to do, and a reply is seen at once and in
 * turn, however many connections there are. (Deno's own sockets starve some of more than a hundred.)
 */
export class LoadEpoll {
  readonly libc: Libc;
  readonly #set: EpollSet;
  #isRunning = true;

  /** @param library closed together with it */
  constructor(readonly library: LibcLibrary) {
    this.libc = library.symbols;
    this.#set = new EpollSet(this.libc);
  }

  add(fd: number, events: number, handler: EpollHandler): void {
    this.#set.add(fd, events, handler);
  }

  change(fd: number, events: number): void {
    this.#set.change(fd, events);
  }

  remove(fd: number): void {
    this.#set.remove(fd);
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
    this.#set.close();
    this.library.close();
  }

  #turn(): void {
    const end = performance.now() + TURN_MS;
    while (this.#isRunning && this.#set.poll(WAIT_MS) && performance.now() < end);
  }
}
