import { hashOf } from "./hash.ts";
import { knownNames } from "./known_names.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

const encoder = new TextEncoder();

interface Entry {
  readonly key: Uint8Array;
  readonly plugin: RoutedPlugin;
}

/** What a plugin answers to. */
export type PluginNames = Pick<RoutedPlugin, "name" | "biz">;

/** Two plugins that answer to the same name or business number. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

/** Finds plugins by the bytes of a message: by name, or by business number in decimal. */
export class Registry {
  plugins: readonly RoutedPlugin[] = [];
  /** Those that hold operations: them, and those that a reload has removed, until they are worked off. */
  holders: readonly RoutedPlugin[] = [];
  /** Their names, for callers that ask for another. */
  known = knownNames([]);
  #entries: ReadonlyMap<number, readonly Entry[]> = new Map();
  /** The one that was found last: often it is the next one, too. */
  #last: Entry | null = null;

  /** Finds these plugins from now on, and no others. */
  replace(plugins: readonly RoutedPlugin[]): void {
    this.#last = null;
    this.#entries = Map.groupBy(
      plugins.flatMap((plugin) => namesOf(plugin).map((name) => ({ key: encoder.encode(name), plugin }))),
      ({ key }) => hashOf(key, 0, key.length),
    );
    this.plugins = plugins;
    this.known = knownNames(plugins.map(({ name }) => name));
  }

  /** The plugin that has that name, or that number in decimal. */
  named(name: string): RoutedPlugin | null {
    const key = encoder.encode(name);
    return this.find(key, 0, key.length);
  }

  /** The plugin that the name at `at` names, or null. */
  find(bytes: Uint8Array, at: number, length: number): RoutedPlugin | null {
    const last = this.#last;
    if (last !== null && equals(last.key, bytes, at, length)) return last.plugin;
    const entries = this.#entries.get(hashOf(bytes, at, length));
    if (entries === undefined) return null;
    for (const entry of entries) {
      if (!equals(entry.key, bytes, at, length)) continue;
      this.#last = entry;
      return entry.plugin;
    }
    return null;
  }
}

/** Throws RegistryError where two of the plugins answer to the same name or number. */
export function checkNames(plugins: readonly PluginNames[]): void {
  const taken = new Map<string, string>();
  for (const plugin of plugins) {
    for (const name of namesOf(plugin)) {
      const other = taken.get(name);
      if (other !== undefined) {
        throw new RegistryError(
          `plugins ${other} and ${plugin.name} both answer to "${name}"; change one's name or biz`,
        );
      }
      taken.set(name, plugin.name);
    }
  }
}

function namesOf({ name, biz }: PluginNames): string[] {
  return biz === undefined ? [name] : [name, String(biz)];
}

function equals(key: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== bytes[at + i]) return false;
  return true;
}
