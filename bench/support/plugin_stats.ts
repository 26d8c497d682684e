import * as v from "valibot";
import { Client } from "../../src/client/mod.ts";

const Stats = v.object({
  plugins: v.array(v.object({ name: v.string(), queued: v.number(), done: v.number() })),
});

/** What a server on a port of the loopback counts of a plugin: operations that no worker has yet, and those that are done. */
export async function pluginStats(port: number, plugin: string): Promise<{ queued: number; done: number }> {
  await using client = await Client.connect({ transport: "tcp", hostname: "127.0.0.1", port });
  const { value } = await client.request("Reserve.Stats", 1);
  const { queued, done } = v.parse(Stats, value).plugins.find(({ name }) => name === plugin) ?? {};
  if (queued === undefined || done === undefined) throw new Error(`the server has no plugin ${plugin}`);
  return { queued, done };
}
