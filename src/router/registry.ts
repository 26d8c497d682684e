import { hashOf } from "./hash.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

const encoder = new TextEncoder();

interface Entry {
  readonly key: Uint8Array;
  readonly plugin: RoutedPlugin;
}

/** Two plugins that answer to the same name or business number. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

/** Finds plugins by the bytes of a message: by name, or by business number in decimal. */
export class Registry {
  readonly plugins: RoutedPlugin[] = [];
  readonly #entries = new Map<number, Entry[]>();

  /** Throws RegistryError where the name or number is taken. */
  add(plugin: RoutedPlugin): void {
    const keys = plugin.biz === undefined ? [plugin.name] : [plugin.name, String(plugin.biz)];
    for (const text of keys) {
      const key = encoder.encode(text);
      const taken = this.find(key, 0, key.length);
      if (taken !== null) {
        throw new RegistryError(
          `plugins ${taken.name} and ${plugin.name} both answer to "${text}"; change one's name or biz`,
        );
      }
      const hash = hashOf(key, 0, key.length);
      this.#entries.set(hash, [...this.#entries.get(hash) ?? [], { key, plugin }]);
    }
    this.plugins.push(plugin);
  }

  /** The plugin that the name at `at` names, or null. */
  find(bytes: Uint8Array, at: number, length: number): RoutedPlugin | null {
    const entries = this.#entries.get(hashOf(bytes, at, length));
    if (entries === undefined) return null;
    for (const { key, plugin } of entries) if (equals(key, bytes, at, length)) return plugin;
    return null;
  }
}

function equals(key: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== bytes[at + i]) return false;
  return true;
}
