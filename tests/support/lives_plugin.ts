import { assertEquals } from "@std/assert";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";
import { type RequestOptions, streamRequest } from "./requests.ts";
import { type PluginOverrides, TestServer, type TestServerOptions } from "./test_server.ts";

/**
 * 1001 answers its params, 1002 fails with 40, 1003 runs until its signal aborts and is counted as `hangs`, 1004 fails the first
 * `fails` times, 1007 fails once the cache has the key `open`.
 */
export const LIVES = `
const tries = new Map();
function flaky(context) {
  const tag = context.params.int("tag"), fails = context.params.int("fails"), seen = tries.get(tag) ?? 0;
  tries.set(tag, seen + 1);
  if (seen < fails) throw context.fail(context.params.int("code", 40), "try " + (seen + 1));
  return { tries: seen + 1 };
}
export default {
  name: "lives",
  commands: {
    1001: { name: "echo", run: (context) => context.params },
    1002: { name: "fail", run: (context) => { throw context.fail(40, "not today"); } },
    1003: { name: "hang", run: (context) => new Promise((_, reject) => {
      context.stats.count("hangs");
      context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true });
    }) },
    1004: { name: "flaky", run: flaky },
    1005: { name: "idempotent", idempotent: true, run: flaky },
    1007: { name: "held", async run(context) {
      while (await context.cache.get("open") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      throw context.fail(40, "let go");
    } },
    1006: { name: "count", run: (context) => { context.stats.count("ran"); return { n: tries.set("n", (tries.get("n") ?? 0) + 1).get("n") }; } },
  },
};`;

/** A server whose one plugin walks through all states of an operation. */
export function startLives(
  overrides: Omit<PluginOverrides, "name"> = {},
  server: Readonly<Record<string, unknown>> = {},
): Promise<TestServer> {
  return startLivesWith({ server }, overrides);
}

/** The same with other options of the server. */
export function startLivesWith(
  options: Omit<TestServerOptions, "plugins">,
  overrides: Omit<PluginOverrides, "name"> = {},
): Promise<TestServer> {
  return TestServer.start({ ...options, plugins: [{ name: "lives", source: LIVES, ...overrides }] });
}

export function lives(server: TestServer): RoutedPlugin {
  return server.server.registry.plugins[0]!;
}

export function livesRequest(options: RequestOptions): Uint8Array {
  return streamRequest({ plugin: "lives", ...options });
}

/** The sum of the ends and of what has not ended is what was accepted. */
export function assertBalanced(server: TestServer): void {
  const stats = server.plugin("lives");
  const { accepted, queued, in_flight, delayed, retrying, done, failed, expired, cancelled } = stats;
  assertEquals(accepted, queued + in_flight + delayed + retrying + done + failed + expired + cancelled);
}
