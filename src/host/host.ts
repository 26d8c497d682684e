/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { writeBigints } from "../exact_json.ts";
import { originalNames } from "../modules/original_names.ts";
import type { Logger, PluginContext } from "../plugin.ts";
import type { LogLevel } from "../observe/log.ts";
import { batchBounds } from "./batch_bounds.ts";
import { CallClient, type CallOrigin } from "./call_client.ts";
import { CacheClient } from "./cache_client.ts";
import { HealthCheck } from "./health_check.ts";
import { confine } from "./confine.ts";
import { declarationOf } from "./declaration.ts";
import { fence } from "./fence.ts";
import { BEAT_EVERY_MS, Heart } from "../ring/heartbeat.ts";
import { loadFailure } from "./load_failure.ts";
import { loadPlugin } from "./loader.ts";
import { LostTime } from "../lost_time.ts";
import type { FromHost, HostSetup, SurveyOrder, ToHost } from "../ring/messages.ts";
import { missingGrant } from "./missing_grant.ts";
import { plainFields, plainMessage } from "./plain_log.ts";
import { PluginHost } from "./plugin_host.ts";
import { ProgressReporter } from "./progress_reporter.ts";
import { StatsReporter } from "./stats_reporter.ts";
import { survey } from "./survey.ts";
import { cut, tellBy, textOf, toldText, traceOf } from "../text_of.ts";
import { TimerReporter } from "./timer_reporter.ts";
import { Timers } from "./timers.ts";

// The entry of every plugin's Web Worker: wires one PluginHost to the messages of the main thread.

/** The main thread's end is reached over this alone: what a plugin posts by itself is not taken for the host's. */
let port: MessagePort;
let post = (message: FromHost) => port.postMessage(message);
// Frozen, as PluginHost logs with it too.
const log: Logger = Object.freeze({
  debug: (message: unknown, fields: unknown) => logLine("debug", message, fields),
  info: (message: unknown, fields: unknown) => logLine("info", message, fields),
  warn: (message: unknown, fields: unknown) => logLine("warn", message, fields),
  error: (message: unknown, fields: unknown) => logLine("error", message, fields),
});
const cache = new CacheClient((id, request) => post({ kind: "cache", id, request }));
const stats = new StatsReporter((report) => post({ kind: "stats", ...report }));
/** Longest sentence on what keeps a plugin from its end, in UTF-16 units. */
const MAX_PROBLEM = 4096;
const stopping = new AbortController();
let host: PluginHost | null = null;
let health: HealthCheck | null = null;
let calls: CallClient | null = null;
let timers: Timers | null = null;
const timerReporter = new TimerReporter(
  (reports) => post({ kind: "timers told", timers: reports }),
  () => performance.now(),
);

self.onmessage = ({ data }: MessageEvent<MessagePort>) => {
  self.onmessage = null;
  port = data;
  port.onmessage = take;
};

function take({ data: message }: MessageEvent<ToHost>): void {
  if (message.kind === "cache") cache.answer(message.id, message.result);
  else if (message.kind === "called") calls?.answer(message.id, message.code, message.content);
  else if (message.kind === "timers") setTimers(message.run);
  else if (message.kind === "run timer") timers?.runNow(message.name);
  else if (message.kind === "start") start(message.setup);
  else if (message.kind === "survey") look(message);
  else if (message.kind === "cancel") host?.cancel(message.slot, message.sequence);
  else if (message.kind === "hurry") host?.hurry();
  else stop();
}

/** Those that are loaded here get hold of the port by nothing that is sent: it is the way of all of them. */
function look(order: SurveyOrder): void {
  post = port.postMessage.bind(port);
  survey(order, post);
}

// What escapes from a plugin's own timers and promises is reported; it does not end the worker.
self.addEventListener("error", (event) => {
  event.preventDefault();
  log.error("an error escaped from the plugin", { error: traceOf(event.error) });
});
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  log.error("a rejected promise escaped from the plugin", { error: traceOf(event.reason) });
});

async function start(setup: HostSetup): Promise<void> {
  const lost = new LostTime(() => performance.now(), BEAT_EVERY_MS);
  const heart = new Heart(setup.beats, () => lost.look());
  let stage = "";
  tellBy({
    text: setup.original === null ? (text) => text : originalNames(setup.original),
    missing: (thrown) => missingGrant(thrown, setup.name, setup.grants),
  });
  try {
    // Params may have bigints, and many a plugin writes them as JSON.
    writeBigints();
    if (setup.readable !== null) confine(setup.readable);
    if (setup.original !== null) fence();
    heart.beat();
    const { plugin, remarks } = await loadPlugin(setup.module, { name: setup.name, config: setup.config });
    heart.beat();
    if (setup.tellsRemarks) { for (const { text } of remarks) log.warn(toldText(text)); }
    const biz = setup.biz ?? plugin.biz;
    const client = calls = new CallClient(
      { timeout: setup.timeout, maxBytes: setup.maxReplyBytes },
      post,
      lost,
      new ProgressReporter((operations) => post({ kind: "progress", operations }), () => performance.now()),
    );
    const contextWith = (signal: AbortSignal, origin: CallOrigin): PluginContext =>
      Object.freeze(
        {
          name: setup.name,
          biz,
          worker: setup.worker,
          config: setup.config,
          log,
          cache,
          stats,
          signal,
          call: (...call) => client.call(origin, ...call),
          enqueue: (...call) => client.enqueue(origin, ...call),
        } satisfies PluginContext,
      );
    // `stop` may still call others, though the signal has aborted by then: those calls end with their time.
    const lasting = new AbortController().signal;
    const context = contextWith(stopping.signal, { hops: 0, operation: null, signal: lasting });
    const concurrency = setup.concurrency ?? plugin.concurrency ?? 1;
    await plugin.start?.(Object.freeze({ ...context, first: setup.first, run: setup.run }));
    health = new HealthCheck(plugin, context, setup, (problem) => post({ kind: "health", problem }), lost);
    stage = "its health check failed: ";
    await health.ask();
    stage = "";
    const ofTimer = (signal: AbortSignal) => contextWith(signal, { hops: 0, operation: null, signal });
    timers = new Timers(plugin.timers ?? [], ofTimer, setup.timeout, timerReporter);
    const batches = batchBounds(plugin);
    host = new PluginHost(plugin, context, setup, { concurrency, batches }, client, {
      beat: () => heart.beat(),
      lostSince: (time) => lost.since(time),
      overdue: (command) => post({ kind: "overdue", command }),
      overLimit: (limit) => stats.overLimit(limit),
    });
    post({ kind: "ready", declaration: declarationOf(plugin, setup, batches) });
    host.start();
    health.start();
  } catch (error) {
    post({ kind: "failed", message: `${stage}${loadFailure(error)}` });
  }
}

async function stop(): Promise<void> {
  let problem: string | null = null;
  const reason = new Error("the worker is stopping");
  health?.stop();
  host?.close();
  stopping.abort(reason);
  const timersEnded = timers?.end(reason);
  if (host !== null) {
    host.abort(reason);
    await host.idle();
    await timersEnded;
    try {
      await host.plugin.stop?.(host.context);
    } catch (error) {
      problem = cut(textOf(error), MAX_PROBLEM);
      log.error("the plugin's stop failed", { error: traceOf(error) });
    }
  }
  stats.flush();
  post({ kind: "stopped", problem });
}

async function setTimers(run: boolean): Promise<void> {
  if (run && !stopping.signal.aborted) return timers?.begin();
  await timers?.end(new Error("this worker runs no timers any more"));
  post({ kind: "timers ended" });
}

/** Whatever a plugin hands over, what travels is text and plain JSON, and bounded. */
function logLine(level: LogLevel, message: unknown, fields: unknown): void {
  post({ kind: "log", level, message: plainMessage(message), fields: plainFields(fields) });
}
