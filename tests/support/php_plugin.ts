import { type PluginOverrides, TestServer } from "./test_server.ts";

const SOURCE = `import type { Plugin } from "mevent/plugin";
export default {
  name: "shop",
  biz: 77,
  concurrency: 4,
  commands: {
    1001: { name: "echo", run: (context) => context.params },
    1002: { name: "nothing", run: () => {} },
    1003: { name: "query", run: (context) => ({ dns: context.params.string("dns"), integral: context.params.int("query.integral"), open: true }) },
    1004: { name: "refuse", run: (context) => { throw context.fail(40, "wir haben kein Gemüse"); } },
    1005: { name: "fail", run: () => { throw new Error("the shop is on fire"); } },
    1006: { name: "own success", run: (context) => context.reply(1007, { early: true }) },
    1007: { name: "large", run: (context) => ({ text: "é".repeat(context.params.int("count")) }) },
    1008: { name: "wait", run: ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())) },
  },
} satisfies Plugin;
`;

/** A plugin that answers in all the ways that a client is to tell apart. */
export const SHOP: PluginOverrides = { name: "shop", source: SOURCE };
/** One that is busy with a single operation. */
export const TIGHT: PluginOverrides = {
  name: "tight",
  biz: 78,
  source: SOURCE,
  queue: { maxOps: 1, maxBytes: 1e6 },
};

/** A server with both of them. */
export function startShop(): Promise<TestServer> {
  return TestServer.start({
    plugins: [{ ...SHOP, results: { keep: 3_600_000, maxOps: 100, maxBytes: 1 << 20 } }, TIGHT],
    server: { max_frame: "2 MiB", drain_timeout: "50ms" },
  });
}

/** Where it listens, as clients are told. */
export const urls = (server: TestServer): readonly string[] => [
  `tcp://127.0.0.1:${server.tcp.port}`,
  `udp://127.0.0.1:${server.udp.port}`,
  `unix://${server.unix}`,
];
