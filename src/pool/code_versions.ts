import type { HostSetup } from "../ring/messages.ts";

/** Changes of a plugin's code that are remembered. */
const MAX_VERSIONS = 32;

/** Which code a plugin has run, and since when. */
export class CodeVersions {
  readonly #versions: { readonly version: string; readonly since: number }[] = [];

  /** Workers with that setup take over; `now` is monotonic, in ms. */
  begin(setup: Pick<HostSetup, "module" | "original">, now: number): void {
    const version = versionOf(setup);
    if (this.#versions.at(-1)?.version === version) return;
    this.#versions.push({ version, since: now });
    if (this.#versions.length > MAX_VERSIONS) this.#versions.shift();
  }

  /** The code that new operations were given to at that time; null where that is not known. */
  at(time: number): string | null {
    return this.#versions.findLast(({ since }) => since <= time)?.version ?? null;
  }
}

/** The beginning of the hash of its files, which its snapshot's folder is named by; of a built-in one its name. */
function versionOf({ module, original }: Pick<HostSetup, "module" | "original">): string {
  const [name = ""] = original?.folder.split("/").filter((part) => part !== "").slice(-1) ?? [];
  return name === "" ? module : name.slice(0, 16);
}
