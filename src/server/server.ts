import type { Config } from "../config/config.ts";
import type { EpollLoop } from "../net/epoll_loop.ts";
import { type LibcLibrary, loadLibc } from "../net/libc.ts";
import { pageDiscarder } from "../net/page_discarder.ts";
import { returnFreed } from "../net/return_freed.ts";
import type { DatagramListener } from "../net/datagram_listener.ts";
import { fitLimits, freeDescriptors } from "../net/descriptor_limit.ts";
import { DescriptorReserve } from "../net/descriptor_reserve.ts";
import type { StreamListener } from "../net/stream_listener.ts";
import { LoopDelay } from "../observe/loop_delay.ts";
import { readiness } from "../observe/readiness.ts";
import type { ServerCounters, ServerStats } from "../observe/server_stats.ts";
import { SegmentPool } from "../queue/segment.ts";
import type { Registry } from "../router/registry.ts";
import { StartCalls } from "../router/start_calls.ts";
import { LostTime } from "../lost_time.ts";
import { Nursery } from "../thread/nursery.ts";
import { WORKER_DESCRIPTORS } from "./build_plugin.ts";
import { within } from "../within.ts";
import { Alerting } from "./alerting.ts";
import { AuditLog } from "../control/audit_log.ts";
import { Controls } from "../control/controls.ts";
import { Control } from "./control.ts";
import { controlTargetOf } from "../control/control_target_of.ts";
import { tellUnconfined } from "./confinement.ts";
import { serverFront } from "./front.ts";
import { PluginJournals } from "./plugin_journals.ts";
import { RemovedPlugins } from "./removed_plugins.ts";
import { addressesOf, type Listeners } from "./listeners.ts";
import { ModuleStore } from "./module_store.ts";
import type { PluginPlan } from "./plugin_plan.ts";
import { PluginSet } from "./plugin_set.ts";
import type { ReloadReport } from "../control/reload_report.ts";
import { openAudit, type ReloadTarget } from "./reload.ts";
import { ReloadQueue } from "./reload_queue.ts";
import { RealtimePriority } from "./realtime_priority.ts";
import { type StopReport, tellEnd } from "../control/stop_report.ts";
import { Routing } from "./routing.ts";
import { serverFigures } from "./server_figures.ts";
import type { ServerOptions } from "./server_options.ts";
import { serverLoop } from "./server_loop.ts";
import { threadEnds } from "./thread_ends.ts";
import { onAbort, unlessStopped } from "./unless_stopped.ts";
import { WatchedFigures } from "./watched_figures.ts";
import { FileWatchers } from "./file_watchers.ts";

const monotonic = (): number => performance.now();
/** Segments of each size that keep their memory while no queue needs them. */
const FREE_SEGMENTS = 8;
/** Connections that keep us waiting and workers that hang are looked for this often, in ms. */
const CHECK_EVERY_MS = 1000;
/** What plugins and connections get to end in once the queues are empty or given up, in ms. */
const CLOSE_GRACE_MS = 5000;

/**
 * The server, wired: listeners, router, queues and workers.
 *
 * ```
 * starting ──sockets open, plugins ready──► running ──stop──► draining ──empty or time over──► stopped
 *                                             └──▲ reload
 * ```
 */
export class Server {
  state: "starting" | "running" | "draining" | "stopped" = "starting";
  readonly #routing: Routing;
  readonly #plugins: PluginSet;
  readonly #figures: WatchedFigures;
  readonly #listeners: Listeners;
  readonly #libc: LibcLibrary | null;
  readonly #loop: EpollLoop | null;
  readonly #target: ReloadTarget;
  readonly #reloads: ReloadQueue;
  readonly #lost = new LostTime(monotonic, CHECK_EVERY_MS);
  readonly #delay = new LoopDelay(performance.now(), CHECK_EVERY_MS);
  /** Descriptors for what must work when there are no others: the control socket asks it for one. */
  readonly reserve = new DescriptorReserve(
    undefined,
    () => this.#libc === null ? null : freeDescriptors(this.#libc.symbols),
  );
  /** Who has changed what. */
  readonly audit: AuditLog;
  readonly controls: Controls;
  readonly #control = new Control();
  readonly #nursery = new Nursery({
    onStarting: (isStarting) => this.reserve.isAwaited = isStarting,
    mayStart: (threads) => this.reserve.makeRoom(threads * WORKER_DESCRIPTORS),
  });
  /** All but the control sockets is closed: what they tell. */
  readonly #reported = Promise.withResolvers<StopReport>();
  readonly #ended = Promise.withResolvers<StopReport>();
  readonly #modules: ModuleStore;
  readonly #journals: PluginJournals;
  readonly #watchers = new FileWatchers({
    files: (plugin) => this.#modules.filesOf(plugin),
    changed: (plugin) => this.#reloads.beginWatched(plugin),
  });
  readonly #alerting: Alerting;
  #timer: number | undefined;
  /** Removed plugins that are worked off. */
  readonly #removed: RemovedPlugins;
  #stopping: Promise<StopReport> | null = null;
  /** Told to stop, and to do so at once. */
  readonly #told = Promise.withResolvers<void>();
  readonly #hurry = Promise.withResolvers<void>();

  private constructor(readonly options: ServerOptions) {
    const { log, config } = options;
    this.audit = new AuditLog(log, Date.now);
    const routing = this.#routing = new Routing(options, monotonic, () => this.stats());
    const { registry, routes, limits, contentLimits, limitLog, counters, router } = routing;
    this.#libc = options.portableSockets === true ? null : loadLibc();
    if (this.#libc !== null) returnFreed(this.#libc.symbols);
    this.#modules = new ModuleStore((request) => this.#nursery.prepare(request), options.env ?? {}, log);
    const journalParts = { limitLog, counters, routes, contentLimits, limits, now: monotonic };
    this.#journals = new PluginJournals(options, journalParts);
    const plugins = this.#plugins = new PluginSet({
      router,
      budget: routing.budget,
      segments: new SegmentPool(FREE_SEGMENTS, this.#libc === null ? null : pageDiscarder(this.#libc)),
      routes,
      starts: new StartCalls(registry),
      run: crypto.randomUUID(),
      limits,
      contentLimits,
      limitLog,
      reserve: this.reserve,
      ends: threadEnds(this.reserve.free, limits, counters, log),
      nursery: this.#nursery,
      modules: this.#modules,
      journals: this.#journals,
      log,
      now: monotonic,
      lostSince: (time) => this.#lost.since(time),
      wake: () => this.#loop?.wake(),
      surveyMs: options.surveyMs,
    }, registry);
    this.#figures = new WatchedFigures(plugins);
    this.#alerting = new Alerting(options, plugins, () => this.#listeners.certificates);
    this.#loop = serverLoop(this.#libc, router, plugins, this.#delay);
    const target = controlTargetOf(this, {
      log,
      limitLog,
      operations: routing.operations,
      limits,
      changeLimits: (...edit) => this.#reloads.editLimits(...edit),
      reload: (isDry) => isDry ? this.#reloads.preview() : this.#reloads.begin(),
      reported: this.#reported,
      alerts: this.#alerting.alerts,
      hurry: this.#hurry.resolve,
    });
    this.controls = new Controls(target);
    this.#listeners = serverFront({
      options,
      routing,
      reserve: this.reserve,
      loop: this.#loop,
      figures: this.#figures,
      target,
      state: () => this.state,
      readiness: () => readiness(this.state, plugins.readiness),
      now: monotonic,
    });
    this.#removed = new RemovedPlugins({
      log,
      drainTimeout: () => limits.drainTimeout,
      within: (ms, work) => within(ms, work, this.#hurry.promise, this.#lost),
      stop: (plugin) => plugin.pool.stop(CLOSE_GRACE_MS, this.#hurry.promise),
      gone: (plugin) => plugins.gone(plugin),
    });
    this.#target = {
      config,
      limits,
      contentLimits,
      fit: (settings) => fitLimits(settings, this.#libc?.symbols ?? null, log),
      log,
      audit: this.audit,
      realtime: new RealtimePriority(this.#libc?.symbols ?? null, log, () => plugins.workers),
      budget: routing.budget,
      plugins,
      forwards: routing.forwards,
      alerting: this.#alerting,
      listeners: this.#listeners,
      stopping: this.#told.promise,
      hurry: this.#hurry.promise,
      leave: (plugin) => this.#removed.add(plugin),
    };
    this.#reloads = new ReloadQueue({
      target: this.#target,
      loadConfig: options.loadConfig,
      reloading: options.reloading,
      read: this.#nursery.read,
      state: () => this.state,
      follow: (report) => this.#control.follow(report, this, log),
      taken: (taken) => {
        this.#watchers.follow(taken.plugins);
        this.#modules.keepOnly(taken.plugins);
      },
    });
  }

  /**
   * Opens the sockets, starts the plugins, and takes who has come meanwhile. Rejects with what kept it from starting, or with
   * {@link StoppedMeanwhile} where it was told so; nothing is left behind then. Where an address cannot be had no plugin has
   * been started.
   */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options);
    onAbort(options.stop, server.#told.resolve);
    onAbort(options.stopNow, server.#hurry.resolve);
    try {
      await server.#begin();
    } catch (error) {
      await server.#close();
      await server.#control.finish();
      await server.audit.close();
      throw error;
    }
    return server;
  }

  async #begin(): Promise<void> {
    const { config: { plugins, listeners, server: settings }, log } = this.options;
    const [told, hurry] = [this.#told.promise, this.#hurry.promise];
    this.#target.realtime.set(settings.realtime);
    openAudit(this.audit, settings.audit);
    const sockets = await this.#listeners.plan(listeners);
    let plan: PluginPlan | null = null;
    try {
      await this.#openControl(addressesOf(sockets));
      this.#listeners.beginHttp(sockets);
      plan = await unlessStopped(this.#plugins.plan(plugins, settings), told, (late) => late.drop(hurry));
      await unlessStopped(this.#plugins.begin(plan), told);
    } catch (error) {
      // What has started calls nobody any more.
      this.#routing.router.intake = "none";
      await this.#listeners.drop(sockets);
      await plan?.drop(hurry);
      throw error;
    }
    this.#plugins.take(plan);
    this.#routing.forwards.replace(settings.forward);
    tellUnconfined(plugins, log);
    await this.#journals.tellOrphans(plugins, settings);
    // What the workers have opened counts, and what is kept back: lent to their start, it is there again for the first connection.
    this.reserve.refill();
    Object.assign(this.#target.limits, this.#target.fit(settings));
    this.state = "running";
    this.#listeners.take(sockets);
    this.#control.begin();
    this.#watchers.follow(plugins);
    this.#lost.look();
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY_MS);
  }

  get counters(): ServerCounters {
    return this.#routing.counters;
  }

  get registry(): Registry {
    return this.#routing.registry;
  }

  get streams(): readonly StreamListener[] {
    return this.#listeners.streams;
  }

  get datagrams(): readonly DatagramListener[] {
    return this.#listeners.datagrams;
  }

  /** Where it listens, as `tcp 127.0.0.1:26000`. */
  get addresses(): string[] {
    return this.#listeners.addresses;
  }

  /** Where its control sockets are. */
  get controlAddresses(): string[] {
    return this.#control.addresses;
  }

  /** Turns of the loop that serves the sockets, which is asked for another one. */
  get turns(): number {
    return this.#loop?.turns ?? performance.now();
  }

  /** Resolves when it has stopped, whoever told it to. */
  get ended(): Promise<StopReport> {
    return this.#ended.promise;
  }

  stats(): ServerStats {
    const { options: { version, log }, state } = this;
    return serverFigures({
      version,
      state,
      delay: this.#delay,
      figures: this.#figures,
      routing: this.#routing,
      log,
      listeners: this.#listeners,
      plugins: this.#plugins,
      journals: this.#journals,
    });
  }

  /**
   * Takes over a config, that given or the one that is loaded again, without dropping a connection or an operation. One
   * reload at a time: a second one waits. Rejects with {@link ReloadError} where it cannot; nothing has changed then.
   */
  reload(config?: Config): Promise<ReloadReport> {
    return this.#reloads.begin(config);
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

  /** All that is looked at now and then. */
  #check(): void {
    this.#lost.look();
    this.#delay.look(monotonic());
    // A worker's start is one of two threads then.
    this.reserve.keepAlso(this.#nursery.isRunning ? 0 : WORKER_DESCRIPTORS);
    this.reserve.refill();
    this.#listeners.check();
    this.#plugins.check();
    this.#figures.look(this.#target.limits.history && this.#listeners.hasHttp);
    this.#routing.forwards.check();
    this.#alerting.look();
    this.#routing.limitLog.tick();
  }

  async #openControl(addresses: readonly Deno.Addr[]): Promise<void> {
    const { env = {}, config: { server: settings } } = this.options;
    const { reserve, controls: { target } } = this;
    const access = this.#listeners.entrance.ofControl;
    await this.#control.open(target, { settings, env, addresses, reserve, access });
  }

  async #drainAndClose(): Promise<StopReport> {
    const { log } = this.options;
    const { drainTimeout } = this.#target.limits;
    this.state = "draining";
    this.#routing.router.intake = "plugins";
    this.#watchers.stop();
    this.#told.resolve();
    const { pending } = this.#plugins;
    const leaving = this.#removed.abandoned();
    log.info("stopping", { operations_queued: pending, drain_timeout_ms: drainTimeout });
    await this.#listeners.stopAccepting();
    const drained = this.#plugins.drained(monotonic() + drainTimeout);
    await within(drainTimeout, drained, this.#hurry.promise, this.#lost);
    const count = this.#plugins.abandoned();
    await this.#reloads.settled;
    await this.#close();
    const { unstopped } = this.#plugins;
    this.#routing.limitLog.flush();
    const ended = { pending, left: await leaving, abandoned: count(), kept: this.#plugins.kept, unstopped };
    const report = tellEnd(ended, log);
    this.#reported.resolve(report);
    await this.#control.finish();
    await this.audit.close();
    return report;
  }

  /** Stops the plugins, sends what is owed, closes the sockets. */
  async #close(): Promise<void> {
    clearInterval(this.#timer);
    const looking = setInterval(() => this.#lost.look(), CHECK_EVERY_MS);
    this.#routing.router.intake = "none";
    this.#target.realtime.end();
    await this.#routing.forwards.close();
    await this.#plugins.stop(CLOSE_GRACE_MS, this.#hurry.promise);
    await this.#removed.abandoned();
    clearInterval(looking);
    this.#nursery[Symbol.dispose]();
    await this.#modules.close();
    await this.#listeners.end((sent) => within(CLOSE_GRACE_MS, sent, this.#hurry.promise));
    await this.#control.stopAccepting();
    await this.#alerting.close();
    await this.#loop?.close();
    this.#libc?.close();
    this.reserve.close();
    this.state = "stopped";
  }
}
