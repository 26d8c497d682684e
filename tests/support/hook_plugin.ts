import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject } from "../../src/plugin.ts";
import type { RawConnection } from "./raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./requests.ts";
import { type PluginOverrides, TestServer } from "./test_server.ts";

export const NONE = PLUGIN_DEFAULTS.permissions;

/** A server with the plugin `hook`, with these keys of its own config and of its table. */
export function start(config: JsonObject, plugin: Partial<PluginOverrides> = {}): Promise<TestServer> {
  const permissions = { ...NONE, net: ["127.0.0.1", "localhost"] };
  return TestServer.start({
    plugins: [{ name: "hook", module: "builtin:webhook", permissions, config, timeout: 20_000, ...plugin }],
  });
}

/** A config with the endpoint `shop`. */
export function toEndpoint(url: string, keys: JsonObject = {}, config: JsonObject = {}): JsonObject {
  return { endpoints: { shop: { url, ...keys } }, ...config };
}

export function request(params: JsonObject, id = 1, sync = true): Uint8Array {
  return streamRequest({ id, plugin: "hook", command: 1001, params: { endpoint: "shop", ...params }, sync });
}

export async function deliver(connection: RawConnection, params: JsonObject = {}) {
  await connection.send(request(params));
  const reply = await connection.reply();
  return { code: reply.code, value: valueOf(reply) as JsonObject, message: messageOf(reply) };
}

export const ok = () => new Response("thanks", { headers: { "content-type": "text/plain" } });
