import type { Config, ListenerConfig } from "../config/config.ts";
import { formatAddress } from "../config/address.ts";
import { EpollLoop, type EpollWork } from "../net/epoll_loop.ts";
import { type LibcLibrary, loadLibc } from "../net/libc.ts";
import { pageDiscarder } from "../net/page_discarder.ts";
import type { NetContext } from "../net/stream_handler.ts";
import type { DatagramListener } from "../net/datagram_listener.ts";
import { listenDatagrams, listenStream, type StreamListener } from "../net/listen.ts";
import type { Log } from "../observe/log.ts";
import { ServerCounters, type ServerStats } from "../observe/server_stats.ts";
import { QueueBudget } from "../queue/operation_queue.ts";
import { SegmentPool } from "../queue/segment.ts";
import { Registry } from "../router/registry.ts";
import { ReplyRoutes } from "../router/reply_routes.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { Router } from "../router/router.ts";
import { Control } from "./control.ts";
import type { ControlTarget } from "./control_target.ts";
import { fillLogger } from "./fill_logger.ts";
import { removeStaleSocket } from "./stale_socket.ts";
import { startPlugin } from "./start_plugin.ts";

/** Segments of 1 MiB that keep their memory while no queue needs them. */
const FREE_SEGMENTS = 8;
/** Slow readers and workers that hang are looked for this often, in ms. */
const CHECK_EVERY_MS = 1000;
/** What plugins and connections get to end in once the queues are empty or given up, in ms. */
const CLOSE_GRACE_MS = 5000;

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  /** Serves with Deno's own sockets also where epoll could be had. */
  readonly portableSockets?: boolean;
  /** Tells where the control socket belongs: XDG_RUNTIME_DIR, TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a stop went. */
export interface StopReport {
  /** Operations that were still in the queues when the stop began. */
  readonly pending: number;
  /** Those of them that were given up when the time was over. */
  readonly abandoned: number;
}

/** A listening address that cannot be had. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * The server, wired: listeners, router, queues and workers.
 *
 * ```
 * starting ──plugins ready, sockets open──► running ──stop──► draining ──empty or time over──► stopped
 * ```
 */
export class Server {
  state: "starting" | "running" | "draining" | "stopped" = "starting";
  readonly counters = new ServerCounters();
  readonly registry = new Registry();
  readonly streams: StreamListener[] = [];
  readonly datagrams: DatagramListener[] = [];
  /** All that were started, in the config's order. */
  readonly #plugins: RoutedPlugin[] = [];
  readonly #budget: QueueBudget;
  readonly #libc: LibcLibrary | null;
  readonly #segments: SegmentPool;
  readonly #routes = new ReplyRoutes(this.counters);
  readonly #router: Router;
  readonly #startedAt = performance.now();
  #loop: EpollLoop | null = null;
  #timer: number | undefined;
  readonly #control = new Control();
  /** All but the control sockets is closed; they tell it to who waits for it. */
  readonly #reported = Promise.withResolvers<StopReport>();
  readonly #ended = Promise.withResolvers<StopReport>();
  #stopping: Promise<StopReport> | null = null;
  /** Told to stop at once. */
  readonly #hurry = Promise.withResolvers<void>();

  private constructor(readonly options: ServerOptions) {
    const { log, config } = options;
    this.#budget = new QueueBudget(config.server.maxQueueBytes, fillLogger(log, "the memory for all queues"));
    this.#libc = options.portableSockets === true ? null : loadLibc();
    this.#segments = new SegmentPool(FREE_SEGMENTS, this.#libc === null ? null : pageDiscarder(this.#libc));
    this.#router = new Router({
      registry: this.registry,
      counters: this.counters,
      stats: () => this.stats(),
      now: monotonic,
      log,
    });
  }

  /** Starts the plugins, then the sockets. Rejects with what kept it from starting; nothing is left behind then. */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options);
    try {
      await server.#startPlugins();
      await server.#listen();
      await server.#openControl();
    } catch (error) {
      await server.#close();
      await server.#control.finish();
      throw error;
    }
    server.state = "running";
    server.#timer = setInterval(() => {
      for (const listener of server.streams) listener.handler.closeSlowReaders();
      for (const plugin of server.#plugins) plugin.pool.replaceHung();
    }, CHECK_EVERY_MS);
    return server;
  }

  /** Where it listens, as `tcp 127.0.0.1:26000`. */
  get addresses(): string[] {
    return [...this.streams, ...this.datagrams].map(({ address }) =>
      address.transport === "tcp" || address.transport === "udp"
        ? `${address.transport} ${formatAddress(address)}`
        : `unix ${(address as Deno.UnixAddr).path}`
    );
  }

  /** Where its control sockets are. */
  get controlAddresses(): string[] {
    return this.#control.addresses;
  }

  /** Resolves when it has stopped, whoever told it to. */
  get ended(): Promise<StopReport> {
    return this.#ended.promise;
  }

  stats(): ServerStats {
    const { counters, options } = this;
    return {
      version: options.version,
      pid: Deno.pid,
      uptime_seconds: Math.round((monotonic() - this.#startedAt) / 1000),
      state: this.state,
      connections: {
        open: counters.connectionsOpen,
        accepted: counters.connectionsAccepted,
        refused: counters.connectionsRefused,
        slow_readers_closed: counters.slowReadersClosed,
      },
      messages: { tcp: counters.tcpMessages, udp: counters.udpMessages, unix: counters.unixMessages },
      errors: {
        version: counters.versionMismatches,
        broken: counters.brokenRequests,
        unknown: counters.unknownRequests,
        busy: counters.busy,
        replies_dropped: counters.repliesDropped,
        datagrams_dropped: this.#droppedDatagrams(),
      },
      rss_bytes: Deno.memoryUsage().rss,
      queue_bytes: this.#budget.bytes,
      queue_level: this.#budget.watermarks.level,
      max_queue_bytes: this.#budget.maxBytes,
      plugins: this.#plugins.map((plugin) => plugin.stats()),
    };
  }

  /**
   * Takes no new operations, works off what is queued for up to `drainTimeout`, answers, stops the plugins and closes.
   * A second call gives up waiting.
   */
  stop(): Promise<StopReport> {
    if (this.#stopping !== null) this.#hurry.resolve();
    return this.drain();
  }

  /** The same; a second call waits for what the first has begun. */
  drain(): Promise<StopReport> {
    if (this.#stopping === null) {
      this.#stopping = this.#drainAndClose();
      this.#stopping.then(this.#ended.resolve, this.#ended.reject);
    }
    return this.#stopping;
  }

  async #startPlugins(): Promise<void> {
    const { config, log } = this.options;
    const parts = {
      server: config.server,
      budget: this.#budget,
      segments: this.#segments,
      routes: this.#routes,
      log,
      now: monotonic,
      wake: () => this.#loop?.wake(),
    };
    const started = await Promise.allSettled(config.plugins.map((plugin) => startPlugin(plugin, parts)));
    for (const result of started) if (result.status === "fulfilled") this.#plugins.push(result.value);
    for (const result of started) if (result.status === "rejected") throw result.reason;
    for (const plugin of this.#plugins) this.registry.add(plugin);
  }

  async #listen(): Promise<void> {
    const { config, log } = this.options;
    if (this.#libc !== null) this.#loop = new EpollLoop(this.#libc.symbols, this.#loopWork());
    const context: NetContext = {
      router: this.#router,
      routes: this.#routes,
      counters: this.counters,
      limits: config.server,
      log,
      now: monotonic,
    };
    for (const listener of config.listeners) {
      try {
        if (listener.transport === "unix") await removeStaleSocket(listener.path);
        if (listener.transport === "udp") {
          this.datagrams.push(
            listenDatagrams(listener, listener.asyncReply, context, this.#loop),
          );
        } else {
          this.streams.push(listenStream(listener, listener.asyncReply, context, this.#loop));
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ListenError(`cannot listen on ${describe(listener)}: ${reason}`);
      }
    }
  }

  async #openControl(): Promise<void> {
    const { options } = this;
    const encoder = new TextEncoder();
    const begin = (): Promise<StopReport> => {
      this.drain().catch(this.#reported.reject);
      return this.#reported.promise;
    };
    const target: ControlTarget = {
      log: options.log,
      stats: () => this.stats(),
      plugin: (name) => {
        const key = encoder.encode(name);
        return this.registry.find(key, 0, key.length);
      },
      drain: begin,
      reload: () => this.reload(),
      stopNow: () => {
        this.#hurry.resolve();
        return begin();
      },
      drainTimeout: options.config.server.drainTimeout,
    };
    const addresses = [...this.streams, ...this.datagrams].map(({ address }) => address);
    const { env = {} } = options;
    await this.#control.open(target, { settings: options.config.server, env, addresses });
  }

  #loopWork(): EpollWork {
    const plugins = this.#plugins;
    return {
      dispatch: () => this.#router.dispatch(),
      poll: () => {
        let found = false;
        for (const plugin of plugins) if (plugin.pool.poll()) found = true;
        return found;
      },
      sleep: () => plugins.every((plugin) => plugin.pool.sleep()),
    };
  }

  async #drainAndClose(): Promise<StopReport> {
    const { config, log } = this.options;
    this.state = "draining";
    this.#router.draining = true;
    const pending = this.#pending;
    log.info("stopping", { operations_queued: pending, drain_timeout_ms: config.server.drainTimeout });
    await Promise.all(this.streams.map((listener) => listener.stopAccepting()));
    const deadline = monotonic() + config.server.drainTimeout;
    const drained = Promise.all(this.#plugins.map((plugin) => plugin.pool.drained(deadline)));
    await this.#within(config.server.drainTimeout, drained);
    const abandoned = this.#pending;
    await this.#close();
    log[abandoned > 0 ? "warn" : "info"]("stopped", {
      operations_done: pending - abandoned,
      operations_abandoned: abandoned,
    });
    log.flush();
    const report = { pending, abandoned };
    this.#reported.resolve(report);
    await this.#control.finish();
    return report;
  }

  /** Stops the plugins, sends what is owed, closes the sockets. */
  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#plugins.map((plugin) => plugin.pool.stop(CLOSE_GRACE_MS, this.#hurry.promise)));
    const connections = this.streams.flatMap((listener) => [...listener.handler.connections]);
    for (const connection of connections) connection.finish();
    const sent = [
      ...connections.map((connection) => connection.ended),
      ...this.datagrams.map((each) => each.sent),
    ];
    await this.#within(CLOSE_GRACE_MS, Promise.all(sent));
    for (const connection of connections) connection.close();
    await Promise.all(connections.map((connection) => connection.ended));
    await Promise.all(this.streams.map((listener) => listener.stopAccepting()));
    await Promise.all(this.datagrams.map((listener) => listener.close()));
    await this.#control.stopAccepting();
    await this.#loop?.close();
    this.#libc?.close();
    this.state = "stopped";
  }

  #droppedDatagrams(): number | null {
    const dropped = this.datagrams.map((listener) => listener.dropped());
    return dropped.includes(null) ? null : dropped.reduce((sum: number, each) => sum + (each ?? 0), 0);
  }

  get #pending(): number {
    return this.#plugins.reduce((sum, plugin) => sum + plugin.queue.ops, 0);
  }

  /** Waits for at most so many ms, or until {@link stop} is called again. */
  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([work, over.promise, this.#hurry.promise]);
    clearTimeout(timer);
  }
}

function monotonic(): number {
  return performance.now();
}

function describe(listener: ListenerConfig): string {
  return listener.transport === "unix"
    ? `unix ${listener.path}`
    : `${listener.transport} ${formatAddress(listener)}`;
}
