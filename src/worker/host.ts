/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import type { JsonObject, Logger, PluginContext } from "../plugin.ts";
import type { LogLevel } from "../observe/log.ts";
import { CacheClient } from "./cache_client.ts";
import { loadPlugin, PluginLoadError } from "./loader.ts";
import type { FromHost, HostSetup, ToHost } from "./messages.ts";
import { PluginHost } from "./plugin_host.ts";
import { StatsReporter } from "./stats_reporter.ts";

// The entry of every plugin's Web Worker: wires one PluginHost to the messages of the main thread.

const post = (message: FromHost) => self.postMessage(message);
const log: Logger = {
  debug: (message, fields) => logLine("debug", message, fields),
  info: (message, fields) => logLine("info", message, fields),
  warn: (message, fields) => logLine("warn", message, fields),
  error: (message, fields) => logLine("error", message, fields),
};
const cache = new CacheClient((id, request) => post({ kind: "cache", id, request }));
const stats = new StatsReporter((counters, gauges) => post({ kind: "stats", counters, gauges }));
const stopping = new AbortController();
let host: PluginHost | null = null;

self.onmessage = (event: MessageEvent<ToHost>) => {
  const message = event.data;
  if (message.kind === "cache") cache.answer(message.id, message.result);
  else if (message.kind === "start") start(message.setup);
  else stop();
};

// What escapes from a plugin's own timers and promises is reported; it does not end the worker.
self.addEventListener("error", (event) => {
  event.preventDefault();
  log.error("an error escaped from the plugin", { error: describe(event.error) });
});
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  log.error("a rejected promise escaped from the plugin", { error: describe(event.reason) });
});

async function start(setup: HostSetup): Promise<void> {
  try {
    const plugin = await loadPlugin(setup.module);
    const biz = setup.biz ?? plugin.biz;
    const context: PluginContext = {
      name: setup.name,
      biz,
      worker: setup.worker,
      config: setup.config,
      log,
      cache,
      stats,
      signal: stopping.signal,
    };
    const concurrency = setup.concurrency ?? plugin.concurrency ?? 1;
    await plugin.start?.(context);
    host = new PluginHost(plugin, context, setup, concurrency);
    const commands = Object.entries(plugin.commands).map(([number, command]) => ({
      number: Number(number),
      name: command.name,
      description: command.description ?? "",
    }));
    post({
      kind: "ready",
      declaration: { biz, description: plugin.description ?? "", concurrency, commands },
    });
    host.start();
  } catch (error) {
    post({ kind: "failed", message: describe(error) });
  }
}

async function stop(): Promise<void> {
  const reason = new Error("the server is stopping");
  stopping.abort(reason);
  if (host !== null) {
    host.abort(reason);
    await host.idle();
    try {
      await host.plugin.stop?.(host.context);
    } catch (error) {
      log.error("the plugin's stop failed", { error: describe(error) });
    }
  }
  stats.flush();
  post({ kind: "stopped" });
}

function logLine(level: LogLevel, message: string, fields: JsonObject = {}): void {
  post({ kind: "log", level, message, fields });
}

function describe(error: unknown): string {
  if (error instanceof PluginLoadError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
