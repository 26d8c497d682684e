import { dirname } from "node:path";

/**
 * Makes the folder of the journals and those above it, where they are not there, for its owner alone, and has their names outlive a loss
 * of power. The main thread does that, and does not stand still for it: the journals' thread may look at nothing above the folder.
 */
export async function makeDataFolder(folder: string): Promise<void> {
  if (await isThere(folder)) {
    // A server that died may have made it and not synced its name; it may lie where only others look.
    return await syncName(folder).catch(() => {});
  }
  const made = [folder];
  for (let above = dirname(folder); !await isThere(above); above = dirname(above)) made.unshift(above);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const each of made) await syncName(each);
}

async function syncName(folder: string): Promise<void> {
  using above = await Deno.open(dirname(folder));
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
