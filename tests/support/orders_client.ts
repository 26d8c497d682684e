import { Client, type ClientOptions } from "../../src/client/mod.ts";
import type orders from "./orders_plugin.ts";
import { TestServer, type TestServerOptions } from "./test_server.ts";

/** The plugin of `orders_plugin.ts`, which keeps its results. */
export const ORDERS = {
  name: "orders",
  module: new URL("./orders_plugin.ts", import.meta.url).href,
  results: { keep: 60_000, maxOps: 100, maxBytes: 1 << 20 },
};
/** A time-out, in ms, that is over only where something hangs. */
export const PATIENT = 60_000;

/** A server with {@link ORDERS}. */
export function ordersServer(options: TestServerOptions = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [ORDERS], ...options });
}

/** A server's TCP address. */
export function tcp({ tcp: { port } }: TestServer): string {
  return `tcp://127.0.0.1:${port}`;
}

/** A patient client of {@link ORDERS}. */
export function ordersOf(servers: ClientOptions["servers"], options: ClientOptions = {}) {
  return new Client<typeof orders>("orders", {
    timeoutMs: PATIENT,
    ...options,
    ...servers === undefined ? {} : { servers },
  });
}
