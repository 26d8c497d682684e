import { NotifySocket, NotifySocketError } from "../net/notify_socket.ts";
import type { Log } from "../observe/log.ts";

/** It is told so often how the server is, and oftener where its watchdog wants that; in ms. */
const TELL_EVERY_MS = 1000;
/** The watchdog is fed so many times in the time that it waits. */
const FEEDS = 4;
/** A start or a stop may take so much longer from each word on, in µs: it is ended where no word comes. */
const EXTENSION_US = 30_000_000;

/** What the service manager is told of. */
export interface ManagedServer {
  readonly state: "starting" | "running" | "draining" | "stopped";
  /** Turns that the loop has made which serves the sockets; asking for it has it make another one. */
  readonly turns: number;
  readonly registry: { readonly plugins: readonly { readonly queue: { readonly waiting: number } }[] };
}

type Env = Readonly<Record<string, string>>;

/**
 * Tells systemd, or who else speaks its protocol of NOTIFY_SOCKET, how the server is: that it starts, is ready, loads its config
 * again, stops, and how much waits. The watchdog is fed only where the loop has turned since it was fed: a timer alone would go on
 * where nobody is served any more. Where nobody has set NOTIFY_SOCKET all of it does nothing.
 */
export class ServiceManager implements Disposable {
  readonly #socket: NotifySocket | null;
  readonly #timer: number | undefined;
  readonly #isWatched: boolean;
  #server: ManagedServer | null = null;
  #turns = -1;
  #status = "";
  #isStopping = false;
  /** What could not be sent. */
  #owed: string[] = [];

  /** @param env NOTIFY_SOCKET, and WATCHDOG_USEC where a watchdog waits for signs of life */
  constructor(env: Env, log: Pick<Log, "warn">) {
    this.#socket = openSocket(env, log);
    const watchdogMs = this.#socket === null ? null : watchdogOf(env);
    this.#isWatched = watchdogMs !== null;
    if (this.#socket === null) return;
    const every = Math.min(TELL_EVERY_MS, (watchdogMs ?? Infinity) / FEEDS);
    this.#timer = setInterval(() => this.#tick(), every);
    this.#tick();
  }

  /** It takes requests. */
  ready(server: ManagedServer): void {
    this.#server = server;
    this.#tell(["READY=1", ...this.#life()]);
  }

  /** Its config is loaded again, or that is over. */
  reloading(isReloading: boolean): void {
    if (this.#isStopping || this.#server?.state !== "running") return;
    this.#tell(isReloading ? ["RELOADING=1"] : ["READY=1"]);
  }

  /** It has been told to stop. */
  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tell(["STOPPING=1", ...this.#life()]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#socket === null) return;
    this.stopping();
    this.#socket[Symbol.dispose]();
  }

  #tick(): void {
    if (this.#server?.state === "draining") this.stopping();
    const lines = this.#life();
    if (lines.length > 0 || this.#owed.length > 0) this.#tell(lines);
  }

  /** The watchdog's food, more time, and a status where it has changed. */
  #life(): string[] {
    const server = this.#server;
    const lines: string[] = [];
    const turns = server?.turns ?? this.#turns + 1;
    if (this.#isWatched && turns !== this.#turns) lines.push("WATCHDOG=1");
    this.#turns = turns;
    if (server?.state !== "running") lines.push(`EXTEND_TIMEOUT_USEC=${EXTENSION_US}`);
    const status = server === null ? "starting" : statusOf(server);
    if (status !== this.#status) lines.push(`STATUS=${status}`);
    this.#status = status;
    return lines;
  }

  #tell(lines: readonly string[]): void {
    if (this.#socket === null) return;
    const all = [...this.#owed, ...lines];
    // What is owed is some states at most; feeding a watchdog later is no use.
    this.#owed = this.#socket.send(all)
      ? []
      : all.filter((line) => /^(READY|RELOADING|STOPPING)=/.test(line)).slice(-1);
  }
}

function statusOf({ state, registry: { plugins } }: ManagedServer): string {
  const waiting = plugins.reduce((sum, { queue }) => sum + queue.waiting, 0);
  return `${state}: ${plugins.length} plugin${plugins.length === 1 ? "" : "s"}, ${waiting} operation${
    waiting === 1 ? "" : "s"
  } waiting`;
}

function openSocket(env: Env, log: Pick<Log, "warn">): NotifySocket | null {
  const name = env["NOTIFY_SOCKET"] ?? "";
  if (name === "") return null;
  try {
    return NotifySocket.open(name);
  } catch (error) {
    if (!(error instanceof NotifySocketError)) throw error;
    log.warn("the service manager is told nothing: its socket cannot be used", {
      socket: name,
      reason: error.message,
    });
    return null;
  }
}

/** How long the watchdog waits for a sign of life, in ms; null where none waits for this process. */
function watchdogOf(env: Env): number | null {
  const pid = env["WATCHDOG_PID"] ?? "";
  const microseconds = Number(env["WATCHDOG_USEC"] ?? "");
  if ((pid !== "" && pid !== String(Deno.pid)) || !(microseconds > 0)) return null;
  return microseconds / 1000;
}
