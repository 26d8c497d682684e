import { fileURLToPath } from "node:url";
import { PAGE_FILE } from "./load_page.ts";
import { packPage } from "./pack_page.ts";

// What goes into an executable, which has no stripper for it to wait for: `deno task page`.
const path = fileURLToPath(PAGE_FILE);
const page = await packPage();
await Deno.mkdir(new URL(".", PAGE_FILE), { recursive: true });
await Deno.writeTextFile(path, JSON.stringify(page));
const bytes = Object.values(page.files).reduce((sum, { gzip }) => sum + gzip.length * 0.75, 0);
console.log(`${path}: ${Object.keys(page.files).length} files, ${Math.round(bytes / 1024)} KiB`);
