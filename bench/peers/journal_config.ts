import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChildProcess } from "../support/child_process.ts";
import { JOURNAL_PLUGIN, WORKED_OFF_JOURNAL_PLUGIN } from "./contestants.ts";

/** What journals have in common here: they are never full. */
const JOURNAL = `durability = "journal"
journal = { max_disk = "16 GiB" }
queue = { max_ops = 50_000_000, max_bytes = "16 GiB" }
`;

/** What belongs into `[server]`: the journals are in the folder of the config. */
export const JOURNAL_SERVER_CONFIG = `data = "./data"
max_disk = "32 GiB"
`;

/** Plugins with a journal: one that is stuck, and one that is worked off. */
export const JOURNAL_PLUGINS_CONFIG = `
[[plugin]]
name = "${JOURNAL_PLUGIN}"
biz = 54
module = "${fileURLToPath(new URL("../plugins/gate.js", import.meta.url))}"
timeout = "1h"
${JOURNAL}
[[plugin]]
name = "${WORKED_OFF_JOURNAL_PLUGIN}"
biz = 55
module = "builtin:echo"
max_delay = "1h"
${JOURNAL}`;

/** What a server gets that has no other plugins. */
export const JOURNAL_CONFIG = JOURNAL_SERVER_CONFIG + JOURNAL_PLUGINS_CONFIG;

/** Whether a build of mevent's has journals. */
export async function hasJournals(program: string): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  try {
    const config = join(folder, "journal.toml");
    await Deno.writeTextFile(config, `[server]\n${JOURNAL_CONFIG}`);
    return await new ChildProcess(program, ["config", "--config", config]).ended() === 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
