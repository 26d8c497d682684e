import { gzipSync } from "node:zlib";
import { stripTypes } from "../modules/strip_types.ts";
import type { PackedFile, PackedPage } from "./packed_page.ts";

const SOURCES = new URL("../dashboard/", import.meta.url);
/** Of packages: what the page's own modules import them by, and the file of theirs that a browser loads. */
const LIBRARIES: { readonly [specifier: string]: { readonly file: string; readonly tail?: string } } = {
  "lit-html": { file: "lit-html.js" },
  "lit-html/directives/repeat.js": { file: "directives/repeat.js" },
  "lit-html/directives/live.js": { file: "directives/live.js" },
  // A script of its own, a third of the size of its module.
  "uplot": { file: "dist/uPlot.iife.min.js", tail: "export default uPlot;\n" },
};
/** What modules of lit-html import of it beside those. */
const SHARED = ["directive.js", "directive-helpers.js"];
const STYLES = ["tokens.css", "base.css", "layout.css", "components.css", "views.css"];

/** Makes the page out of its sources: types left out, packages beside them, all of it compressed. */
export async function packPage(): Promise<PackedPage> {
  const texts = new Map<string, string>();
  for (const path of await modules("")) {
    const text = await stripTypes(path, await Deno.readTextFile(new URL(path, SOURCES)));
    texts.set(path, withLibraries(path, text));
  }
  for (const [specifier, { file, tail = "" }] of Object.entries(LIBRARIES)) {
    texts.set(`lib/${nameOf(specifier)}/${file}`, `${await libraryText(nameOf(specifier), file)}\n${tail}`);
  }
  for (const file of SHARED) texts.set(`lib/lit-html/${file}`, await libraryText("lit-html", file));
  texts.set("page.css", await styles());
  texts.set("icon.svg", await Deno.readTextFile(new URL("icon.svg", SOURCES)));
  const version = await hashOf([...texts.values()].join("\0"));
  const preloads = [...texts.keys()].filter((path) => /\.[tj]s$/.test(path) && path !== "boot.ts")
    .map((path) => `<link rel="modulepreload" href="assets/${version}/${path}">`);
  const html = (await Deno.readTextFile(new URL("page.html", SOURCES)))
    .replaceAll("{assets}", `assets/${version}`).replace("{preloads}", preloads.join("\n    "));
  return {
    version,
    html: packed("text/html; charset=utf-8", html),
    files: Object.fromEntries([...texts].map(([path, text]) => [path, packed(typeOf(path), text)])),
  };
}

async function modules(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, SOURCES))) {
    if (isDirectory) found.push(...await modules(`${folder}${name}/`));
    else if (name.endsWith(".ts")) found.push(`${folder}${name}`);
  }
  return found.sort();
}

/** Browsers load modules by their address alone. */
function withLibraries(path: string, text: string): string {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  return text.replace(
    /(\bfrom |\bimport\()"(lit-html[^"]*|uplot)"/g,
    (_, before: string, specifier: string) => {
      const library = LIBRARIES[specifier];
      if (library === undefined) {
        throw new Error(
          `${path} imports ${specifier}, which the page does not bring along`,
        );
      }
      return `${before}"${up}lib/${nameOf(specifier)}/${library.file}"`;
    },
  );
}

async function styles(): Promise<string> {
  const own = await Promise.all(STYLES.map((name) => Deno.readTextFile(new URL(`style/${name}`, SOURCES))));
  return [await libraryText("uplot", "dist/uPlot.min.css"), ...own].join("\n");
}

/** A package's own file, without the map that nobody has. */
async function libraryText(name: string, file: string): Promise<string> {
  const entry = import.meta.resolve(name === "uplot" ? "uplot" : "lit-html");
  const root = entry.slice(0, entry.lastIndexOf(name === "uplot" ? "/dist/" : "/node/"));
  const text = await Deno.readTextFile(new URL(`${root}/${file}`));
  return text.replace(/^\/\/# sourceMappingURL=.*$/m, "");
}

function nameOf(specifier: string): string {
  return specifier.split("/")[0]!;
}

function packed(type: string, text: string): PackedFile {
  return { type, gzip: gzipSync(text, { level: 9 }).toString("base64") };
}

function typeOf(path: string): string {
  if (path.endsWith(".css")) return "text/css; charset=utf-8";
  return path.endsWith(".svg") ? "image/svg+xml" : "text/javascript; charset=utf-8";
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 16);
}
