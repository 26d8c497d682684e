import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import project from "../../deno.json" with { type: "json" };
import { run } from "./run_program.ts";
import type { EmbeddedPackage } from "./sbom.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What the page is packed of, which is a file of the executable. */
const PAGE = "src/dashboard/main.ts";

const INFO = v.object({
  modules: v.array(v.object({ kind: v.optional(v.string()), npmPackage: v.optional(v.string()) })),
  npmPackages: v.record(
    v.string(),
    v.object({ name: v.string(), version: v.string(), dependencies: v.array(v.string()) }),
  ),
});
const LOCK = v.object({ npm: v.record(v.string(), v.object({ integrity: v.string() })) });
const MANIFEST = v.object({ license: v.optional(v.union([v.string(), v.object({ type: v.string() })])) });

/** The packages that the executable's modules and its page import, and what those need. Throws where one is not in the lock file. */
export async function embeddedPackages(): Promise<EmbeddedPackage[]> {
  const lock = v.parse(LOCK, JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock"))));
  const found = new Map<string, EmbeddedPackage>();
  for (const entry of entries()) {
    const info = v.parse(
      INFO,
      JSON.parse(await run(Deno.execPath(), ["info", "--json", entry], { cwd: ROOT })),
    );
    const queue = info.modules.flatMap(({ npmPackage }) => npmPackage === undefined ? [] : [npmPackage]);
    for (const id of queue) {
      if (found.has(id)) continue;
      const known = info.npmPackages[id];
      const locked = lock.npm[id];
      if (known === undefined || locked === undefined) throw new Error(`the lock file has no ${id}`);
      const { name, version, dependencies: needs } = known;
      found.set(id, {
        name,
        version,
        integrity: locked.integrity,
        licence: await licenceOf(name, version),
        needs,
      });
      queue.push(...needs);
    }
  }
  return [...found.values()];
}

/** What `deno task compile` puts into the executable. */
function entries(): string[] {
  const included = [...project.tasks.compile.matchAll(/--include (\S+\.ts)/g)].map(([, path = ""]) => path);
  return ["main.ts", PAGE, ...included];
}

async function licenceOf(name: string, version: string): Promise<string> {
  const cache = v.parse(
    v.object({ npmCache: v.string() }),
    JSON.parse(await run(Deno.execPath(), ["info", "--json"])),
  );
  for await (const { name: registry } of Deno.readDir(cache.npmCache)) {
    const path = join(cache.npmCache, registry, name, version, "package.json");
    try {
      const { license } = v.parse(MANIFEST, JSON.parse(await Deno.readTextFile(path)));
      return typeof license === "object" ? license.type : license ?? "";
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotADirectory)) {
        throw error;
      }
    }
  }
  throw new Error(`${name}@${version} is not in Deno's cache ${dirname(cache.npmCache)}: run deno install`);
}
