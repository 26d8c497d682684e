import { dirname, resolve } from "node:path";

/**
 * Makes the folder of the journals and those above it, where they are not there, for its owner alone, and has their names outlive a loss
 * of power. The main thread does that, and does not stand still for it: the journals' thread may look at nothing above the folder.
 */
export async function makeDataFolder(folder: string): Promise<void> {
  const all = [resolve(folder)];
  while (dirname(all[0]!) !== all[0]) all.unshift(dirname(all[0]!));
  const made = new Set<string>();
  for (const path of all) if (!await isThere(path)) made.add(path);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const path of all) {
    try {
      await syncName(path);
    } catch (error) {
      // What was there may lie where only others look; a server that died may have made it and not synced its name.
      if (made.has(path)) throw error;
    }
  }
}

async function syncName(path: string): Promise<void> {
  using above = await Deno.open(dirname(path));
  await above.sync();
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
