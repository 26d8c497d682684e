import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, type Libc } from "./libc.ts";

/** struct epoll_event is packed on x86-64 alone: events (4 bytes), then the data (8 bytes). */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const DATA_WORD = Deno.build.arch === "x86_64" ? 1 : 2;
/** Events taken at a time. */
const MAX_EVENTS = 512;

/** Who is told that a descriptor is ready. */
export interface EpollHandler {
  ready(events: number): void;
}

/** A descriptor that is watched; the generation tells it from a later one of the same number. */
interface Watch {
  readonly handler: EpollHandler;
  readonly generation: number;
}

/** Descriptors, and who is to be told when they are ready. */
export class EpollSet {
  readonly #epoll: number;
  readonly #watches = new Map<number, Watch>();
  readonly #events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #waitEvents = new Uint32Array(EVENT_WORDS);
  readonly #change = new Uint32Array(EVENT_WORDS);
  #generation = 0;

  constructor(readonly libc: Libc) {
    this.#epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) {
      throw new Error("no file descriptor is left to wait for sockets with: raise ulimit -n");
    }
  }

  /** Watches a descriptor; `handler` is told of the events asked for, and of errors. */
  add(fd: number, events: number, handler: EpollHandler): void {
    this.#generation = (this.#generation + 1) >>> 0;
    this.#watches.set(fd, { handler, generation: this.#generation });
    this.#control(EPOLL_CTL_ADD, fd, events, this.#generation);
  }

  /** Asks for other events of a descriptor that is watched. */
  change(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, this.#watches.get(fd)!.generation);
  }

  remove(fd: number): void {
    this.#watches.delete(fd);
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Tells the handlers of what is ready, after blocking the thread for at most so many ms; true where something was. */
  poll(timeoutMs: number): boolean {
    const events = this.#events;
    const count = this.libc.epoll_wait(this.#epoll, events, MAX_EVENTS, timeoutMs);
    for (let i = 0; i < count; i++) {
      const at = i * EVENT_WORDS;
      const watch = this.#watches.get(events[at + DATA_WORD]!);
      // An event of a descriptor that was closed in this batch is not one of the connection that got its number.
      if (watch !== undefined && watch.generation === events[at + DATA_WORD + 1]) {
        watch.handler.ready(events[at]!);
      }
    }
    return count > 0;
  }

  /** Tells the handlers of all that is ready, each at least once. */
  pollAll(): void {
    for (let told = 0; told <= this.#watches.size; told += MAX_EVENTS) this.poll(0);
  }

  /** Waits on another thread until something is ready; one wait at a time. */
  async ready(): Promise<void> {
    await this.libc.epoll_wait_blocking(this.#epoll, this.#waitEvents, 1, -1);
  }

  /** All descriptors must have been removed, and no wait be under way. */
  close(): void {
    this.libc.close(this.#epoll);
  }

  /** The data of an event: the descriptor, and its generation. */
  #control(operation: number, fd: number, events: number, generation: number): void {
    this.#change[0] = events;
    this.#change[DATA_WORD] = fd;
    this.#change[DATA_WORD + 1] = generation;
    this.libc.epoll_ctl(this.#epoll, operation, fd, this.#change);
  }
}
