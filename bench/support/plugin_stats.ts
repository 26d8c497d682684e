import * as v from "valibot";
import { Connection } from "../../src/client/mod.ts";

const Journal = v.object({ disk_bytes: v.number(), live_bytes: v.number() });
const Plugin = v.object({
  name: v.string(),
  /** Operations that no worker has yet, those that one has, and those that are done. */
  queued: v.number(),
  in_flight: v.number(),
  done: v.number(),
  journal: v.optional(v.nullable(Journal)),
});
const Stats = v.object({ plugins: v.array(Plugin) });

/** What a plugin's journal has on disk, and what of it has not ended. */
export type JournalFigures = v.InferOutput<typeof Journal>;

/** What a server on a port of the loopback counts of a plugin. */
export async function pluginStats(
  port: number,
  plugin: string,
): Promise<{ queued: number; in_flight: number; done: number; journal: JournalFigures | undefined }> {
  await using client = await Connection.connect({ transport: "tcp", hostname: "127.0.0.1", port });
  const { value } = await client.request("Reserve.Stats", 1);
  const found = v.parse(Stats, value).plugins.find(({ name }) => name === plugin);
  if (found === undefined) throw new Error(`the server has no plugin ${plugin}`);
  const { queued, in_flight, done, journal } = found;
  return { queued, in_flight, done, journal: journal ?? undefined };
}
