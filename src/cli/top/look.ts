import { setTimeout as delay } from "node:timers/promises";
import type { ServerStats } from "../../observe/server_stats.ts";
import type { Looks } from "./top_screen.ts";

/** Looks, waits, and looks again. */
export async function lookTwice(look: () => Promise<ServerStats>, intervalMs: number): Promise<Looks> {
  const earlier = await look();
  const at = performance.now();
  await delay(intervalMs);
  const stats = await look();
  return { stats, earlier, apartMs: performance.now() - at };
}
