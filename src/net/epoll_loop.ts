import { setImmediate } from "node:timers";
import { type EpollHandler, EpollSet } from "./epoll_set.ts";
import { HeldBack, type Holdable } from "./held_back.ts";
import { EFD_NONBLOCK_CLOEXEC, EPOLLIN, type Libc } from "./libc.ts";
import { Patience } from "./patience.ts";

/** After so long timers, datagrams and messages get their turn; in ms. */
const TURN_MS = 1;

/** Who has something to send at the end of the batch. */
export interface Flushable {
  flush(): void;
}

/** What the loop does beside its sockets. */
export interface EpollWork {
  /** Called after each batch of socket events. */
  dispatch(): void;
  /** Looks for replies; true where there were some. */
  poll(): boolean;
  /** Whether what {@link poll} looks for is about to come. */
  isAwaiting(): boolean;
  /** Prepares to be woken; false where there is something to do already. */
  sleep(): boolean;
  /** A turn has taken so long, with what came between it and the next one, in ms; `now` is monotonic. */
  turned(ms: number, now: number): void;
}

/**
 * Waits for many sockets on the main thread: without blocking while there is work, and through a call on another thread
 * that waits when there is none.
 *
 * ```
 * sleeping ──socket ready, reply there──► turning ──nothing for 50 µs──► sleeping
 * ```
 */
export class EpollLoop {
  readonly #set: EpollSet;
  readonly #wakeup: number;
  readonly #turn = () => this.#run();
  #touched: Flushable[] = [];
  #flushing: Flushable[] = [];
  readonly #held = new HeldBack();
  readonly #patience = new Patience();
  /** The time of this round. */
  #time = 0;
  /** When the turn began that is followed by another one at once; 0 where none is. */
  #turnedAt = 0;
  #turns = 0;
  #scheduled = false;
  #running = false;
  #waiting: Promise<void> | null = null;
  #closed = false;

  constructor(readonly libc: Libc, readonly work: EpollWork) {
    this.#set = new EpollSet(libc);
    this.#wakeup = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (this.#wakeup < 0) {
      throw new Error("no file descriptor is left to wake the socket loop with: raise ulimit -n");
    }
    this.#set.add(this.#wakeup, EPOLLIN, { ready: () => {} });
    this.wake();
  }

  /** Watches a descriptor; `handler` is told of the events asked for, and of errors. */
  add(fd: number, events: number, handler: EpollHandler): void {
    this.#set.add(fd, events, handler);
  }

  change(fd: number, events: number): void {
    this.#set.change(fd, events);
  }

  remove(fd: number): void {
    this.#set.remove(fd);
  }

  /** Flushes it at the end of this batch, after what it has accepted was handed to the workers. */
  touch(target: Flushable): void {
    this.#touched.push(target);
    this.wake();
  }

  /**
   * Has it send a little later, with what comes meanwhile: at the end of this turn at the latest. False where the loop does
   * not turn now, and nobody would see to that.
   */
  hold(target: Holdable): boolean {
    if (!this.#running) return false;
    this.#held.add(target, this.#time);
    return true;
  }

  /** Lets the loop turn soon; while it turns, that is what it does already. */
  wake(): void {
    if (this.#scheduled || this.#running || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** How many turns it has made; whoever asks has it make another one. */
  get turns(): number {
    this.wake();
    return this.#turns;
  }

  /** Lets every socket that is ready have its turn once. */
  readReady(): void {
    this.#set.pollAll();
  }

  /** Ends the loop. All descriptors must have been removed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.libc.write(this.#wakeup, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
    await this.#waiting;
    this.libc.close(this.#wakeup);
    this.#set.close();
  }

  #run(): void {
    this.#scheduled = false;
    this.#running = true;
    const again = this.#work();
    this.#running = false;
    if (again) this.wake();
  }

  /** Works until there is nothing left or the turn is over; true where it wants another one. */
  #work(): boolean {
    const start = performance.now();
    this.#turns++;
    this.#time = start;
    if (this.#turnedAt > 0) this.work.turned(start - this.#turnedAt, start);
    this.#turnedAt = start;
    let idleSince = 0;
    while (!this.#closed) {
      const worked = this.#set.poll(0);
      const replied = this.work.poll();
      const flushed = this.#flush();
      const time = performance.now();
      this.#time = time;
      if (worked || replied || flushed) {
        if (idleSince > 0) this.#patience.paid(time - idleSince);
        idleSince = 0;
      } else if (idleSince === 0) idleSince = time;
      const idle = idleSince === 0 ? 0 : time - idleSince;
      const isOver = time - start > TURN_MS;
      if (this.#held.isDue(time, idle) || (isOver && !this.#held.isEmpty)) {
        // Whoever has sent may read on, and have something to send again.
        this.#held.send();
        idleSince = 0;
      } else if (this.#patience.isOver(idle, this.work.isAwaiting())) {
        if (!this.work.sleep()) continue;
        this.#turnedAt = 0;
        this.work.turned(time - start - idle, time);
        this.#sleep();
        return false;
      } else if (idle > 0 && this.#held.isEmpty) this.libc.sched_yield();
      if (isOver) return true;
    }
    return false;
  }

  /** Flushes what was touched; what that touches again has its turn with the next batch. */
  #flush(): boolean {
    const touched = this.#touched;
    if (touched.length === 0) return false;
    this.#touched = this.#flushing;
    this.#flushing = touched;
    this.work.dispatch();
    for (let i = 0; i < touched.length; i++) touched[i]!.flush();
    touched.length = 0;
    return true;
  }

  /** Waits on another thread. A wait that is still under way when replies wake the loop serves the next sleep too. */
  #sleep(): void {
    this.#waiting ??= this.#set.ready().then(() => {
      this.#waiting = null;
      // Not by way of wake(): this is a turn of the event loop already.
      if (!this.#scheduled) this.#run();
    });
  }
}
