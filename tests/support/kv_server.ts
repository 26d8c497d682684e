import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { RawConnection } from "./raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./requests.ts";
import { type PluginOverrides, TestServer } from "./test_server.ts";

/** kv's commands. */
export const [GET, SET, DEL, INCR, CAS, SNAPSHOT] = [1001, 1002, 1003, 1004, 1005, 1006] as const;
/** A server with kv. */
export function start(overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "kv", ...overrides }] });
}

/** With a snapshot in that folder. */
export function startIn(folder: string, overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  const permissions = { ...PLUGIN_DEFAULTS.permissions, read: [folder], write: [folder] };
  return start({ config: { snapshot: `${folder}/kv.snapshot`, interval: "1h" }, permissions, ...overrides });
}

/** The code, and the value or the error's sentence. */
export async function ask(
  connection: RawConnection,
  command: number,
  params: JsonObject = {},
): Promise<[number, JsonValue]> {
  await connection.send(streamRequest({ plugin: "kv", command, params }));
  const reply = await connection.reply();
  if (reply.body === null) return [reply.code, null];
  return [reply.code, reply.code < 1000 ? messageOf(reply) : valueOf(reply) ?? null];
}

export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mevent-kv-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}
