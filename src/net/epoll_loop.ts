import { setImmediate } from "node:timers";
import {
  EFD_NONBLOCK_CLOEXEC,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  type Libc,
} from "./libc.ts";

/** struct epoll_event is packed on x86-64 alone: events (4 bytes), then the data (8 bytes). */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const DATA_WORD = Deno.build.arch === "x86_64" ? 1 : 2;
/** Events taken at a time. */
const MAX_EVENTS = 512;
/** With nothing to do the thread looks around for so long before it sleeps: waking up takes longer; in ms. */
const SPIN_MS = 0.05;
/** After so long timers, datagrams and messages get their turn; in ms. */
const TURN_MS = 1;

/** Who is told that a descriptor is ready. */
export interface EpollHandler {
  ready(events: number): void;
}

/** A descriptor that is watched; the generation tells it from a later one of the same number. */
interface Watch {
  readonly handler: EpollHandler;
  readonly generation: number;
}

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
  /** Prepares to be woken; false where there is something to do already. */
  sleep(): boolean;
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
  readonly #epoll: number;
  readonly #wakeup: number;
  readonly #watches = new Map<number, Watch>();
  readonly #events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #sleepEvents = new Uint32Array(EVENT_WORDS);
  readonly #change = new Uint32Array(EVENT_WORDS);
  readonly #turn = () => this.#run();
  #touched: Flushable[] = [];
  #flushing: Flushable[] = [];
  #generation = 0;
  #scheduled = false;
  #running = false;
  #waiting: Promise<void> | null = null;
  #closed = false;

  constructor(readonly libc: Libc, readonly work: EpollWork) {
    this.#epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    this.#wakeup = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (this.#epoll < 0 || this.#wakeup < 0) throw new Error("no descriptor left to wait for sockets with");
    this.#control(EPOLL_CTL_ADD, this.#wakeup, EPOLLIN, 0);
    this.wake();
  }

  /** Watches a descriptor; `handler` is told of the events asked for, and of errors. */
  add(fd: number, events: number, handler: EpollHandler): void {
    this.#generation = (this.#generation + 1) >>> 0;
    this.#watches.set(fd, { handler, generation: this.#generation });
    this.#control(EPOLL_CTL_ADD, fd, events, this.#generation);
  }

  change(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, this.#watches.get(fd)!.generation);
  }

  remove(fd: number): void {
    this.#watches.delete(fd);
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Flushes it at the end of this batch, after what it has accepted was handed to the workers. */
  touch(target: Flushable): void {
    this.#touched.push(target);
    this.wake();
  }

  /** Lets the loop turn soon; while it turns, that is what it does already. */
  wake(): void {
    if (this.#scheduled || this.#running || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** Ends the loop. All descriptors must have been removed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.libc.write(this.#wakeup, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
    await this.#waiting;
    this.libc.close(this.#wakeup);
    this.libc.close(this.#epoll);
  }

  /** The data of an event: the descriptor, and its generation. */
  #control(operation: number, fd: number, events: number, generation: number): void {
    this.#change[0] = events;
    this.#change[DATA_WORD] = fd;
    this.#change[DATA_WORD + 1] = generation;
    this.libc.epoll_ctl(this.#epoll, operation, fd, this.#change);
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
    let idleSince = 0;
    while (!this.#closed) {
      const worked = this.#pollSockets();
      const replied = this.work.poll();
      const flushed = this.#flush();
      const time = performance.now();
      if (worked || replied || flushed) idleSince = 0;
      else if (idleSince === 0) idleSince = time;
      else if (time - idleSince > SPIN_MS) {
        if (!this.work.sleep()) continue;
        this.#sleep();
        return false;
      } else this.libc.sched_yield();
      if (time - start > TURN_MS) return true;
    }
    return false;
  }

  #pollSockets(): boolean {
    const events = this.#events;
    const count = this.libc.epoll_wait(this.#epoll, events, MAX_EVENTS, 0);
    if (count <= 0) return false;
    for (let i = 0; i < count; i++) {
      const at = i * EVENT_WORDS;
      const watch = this.#watches.get(events[at + DATA_WORD]!);
      // An event of a descriptor that was closed in this batch is not one of the connection that got its number.
      if (watch !== undefined && watch.generation === events[at + DATA_WORD + 1]) {
        watch.handler.ready(events[at]!);
      }
    }
    return true;
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
    this.#waiting ??= this.libc.epoll_wait_blocking(this.#epoll, this.#sleepEvents, 1, -1).then(() => {
      this.#waiting = null;
      // Not by way of wake(): this is a turn of the event loop already.
      if (!this.#scheduled) this.#run();
    });
  }
}
