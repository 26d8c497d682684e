import type { MemberPath } from "./members.ts";

/** Files that are looked through: the module, and what it imports by a relative path. */
const MAX_FILES = 100;
/** Comments and texts. */
const HIDDEN = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
const IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

/**
 * Finds where members of a plugin stand in the text of its module, as far as they are written out there: by their names, one
 * below the other. Two of the same name are at two places.
 */
export class MemberPlaces {
  readonly #told = new Set<string>();
  /** By the path as JSON: what was found for it before. */
  readonly #found = new Map<string, string>();
  #files: readonly SourceFile[] | undefined;

  /** @param module the URL of a file; of anything else there are no places */
  constructor(readonly module: string) {}

  /** `file:///shop/orders.ts:12:5`, or the module alone where it is not found. Never throws. */
  find(path: MemberPath): string {
    const key = JSON.stringify(path);
    const found = this.#found.get(key) ?? this.#search(path);
    this.#found.set(key, found);
    return found;
  }

  #search(path: MemberPath): string {
    try {
      this.#files ??= filesOf(this.module);
    } catch {
      this.#files = [];
    }
    // What stands above may be written elsewhere: then what is left of the path is looked for.
    for (let skipped = 0; skipped < path.length; skipped++) {
      for (const file of this.#files) {
        const at = this.#placeIn(file, path.slice(skipped));
        if (at === undefined) continue;
        const before = file.text.slice(0, at);
        const start = before.lastIndexOf("\n") + 1;
        return `${file.url}:${before.split("\n").length}:${[...before.slice(start)].length + 1}`;
      }
    }
    return this.module;
  }

  /** The offset of the last name, behind each of those before it. */
  #placeIn(file: SourceFile, path: MemberPath): number | undefined {
    let from = 0;
    for (const name of path.slice(0, -1)) {
      const found = placesOf(file, name, from)[0];
      if (found === undefined) return undefined;
      from = found;
    }
    const found = placesOf(file, path.at(-1)!, from);
    const fresh = found.find((at) => !this.#told.has(`${file.url} ${at}`)) ?? found[0];
    if (fresh !== undefined) this.#told.add(`${file.url} ${fresh}`);
    return fresh;
  }
}

interface SourceFile {
  readonly url: string;
  readonly text: string;
  /** The text with blanks in place of comments, and of texts that are no key. */
  readonly code: string;
}

function filesOf(module: string): SourceFile[] {
  if (!module.startsWith("file:")) return [];
  const urls = new Set([module]);
  const files: SourceFile[] = [];
  for (const url of urls) {
    const text = textAt(url);
    if (text === undefined) continue;
    files.push({ url, text, code: codeOf(text) });
    for (const [, target = ""] of text.matchAll(IMPORT)) {
      if (urls.size < MAX_FILES) urls.add(new URL(target, url).href);
    }
  }
  return files;
}

/** A text that is a key stays. */
function codeOf(text: string): string {
  return text.replace(HIDDEN, (hidden, at: number) => {
    const isKey = /^["']/.test(hidden) &&
      /^\s*:/.test(text.slice(at + hidden.length, at + hidden.length + 20));
    return isKey ? hidden : hidden.replace(/[^\n]/g, " ");
  });
}

function textAt(url: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(url));
  } catch {
    return undefined;
  }
}

/** Where a name stands as a member: `name:`, `"name":`, `name(`, `name,` or `default`, from an offset on. */
function placesOf({ code, text }: SourceFile, name: MemberPath[number], from: number): number[] {
  if (typeof name === "object") {
    const object = new RegExp(`(?<![\\w$.])name\\s*:\\s*(["'\`])${escaped(name.named)}\\1`, "g");
    object.lastIndex = from;
    return [...text.matchAll(object)].map(({ index }) => Math.max(from, code.lastIndexOf("{", index)));
  }
  const plain = escaped(name);
  // A number is a member only where something follows it.
  const behind = /^\d+$/.test(name) ? "[:(]" : "[:(,}]";
  const member = name === "default"
    ? /\bexport\s+default\b/g
    : new RegExp(`(?<![\\w$.])(?:["']${plain}["']\\s*:|${plain}(?=\\s*(?:${behind}|$)))`, "gm");
  member.lastIndex = from;
  return [...code.matchAll(member)].map(({ index }) => index);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
