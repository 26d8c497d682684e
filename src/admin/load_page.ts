import type { PackedPage } from "./packed_page.ts";

/** In the executable; see write_page.ts. */
export const PAGE_FILE = new URL("../../dist/page.json", import.meta.url);

let loaded: Promise<PackedPage> | null = null;

/** The page, made when it is first asked for; one that could not be made is tried again. */
export function loadPage(): Promise<PackedPage> {
  loaded ??= (Deno.build.standalone ? readPage() : packBeside()).catch((error) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

async function readPage(): Promise<PackedPage> {
  return JSON.parse(await Deno.readTextFile(PAGE_FILE));
}

function packBeside(): Promise<PackedPage> {
  const worker = new Worker(new URL("./pack_thread.ts", import.meta.url), { type: "module" });
  return new Promise<PackedPage>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<PackedPage>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`the page could not be made: ${event.message}`));
    };
  }).finally(() => worker.terminate());
}
