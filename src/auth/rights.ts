import type { Action } from "./identity.ts";

const ACTIONS = ["call", "enqueue", "stats", "control"] as const satisfies readonly Action[];
const RIGHT = /^(call|enqueue|stats|control)(?::(\S.*))?$/;

/** What a right is written as. */
export const EXPECTED_RIGHT =
  'a right such as "call:orders", "enqueue:*", "stats", "control" or "*", with a plugin\'s name behind the colon';

/** One thing that may be done. */
export interface Right {
  readonly action: Action;
  /** A plugin's name; "*" is each of them; null is each and the server as a whole. */
  readonly plugin: string | null;
}

/** The rights that a text names: `call:orders` is one, `*` all; undefined where it is none. */
export function parseRight(text: string): readonly Right[] | undefined {
  if (text === "*") return ACTIONS.map((action) => ({ action, plugin: null }));
  const [, action, plugin = null] = RIGHT.exec(text) ?? [];
  const known = ACTIONS.find((each) => each === action);
  return known === undefined ? undefined : [{ action: known, plugin }];
}

/** The right as it is written. */
export function rightText({ action, plugin }: Right): string {
  return plugin === null ? action : `${action}:${plugin}`;
}

/** What somebody may do. */
export class Rights {
  /** By action: true for all, else the plugins' names. */
  readonly #of = new Map<Action, true | Set<string>>();

  constructor(rights: readonly Right[]) {
    for (const { action, plugin } of rights) {
      const before = this.#of.get(action);
      if (plugin === null || before === true) this.#of.set(action, true);
      else if (before === undefined) this.#of.set(action, new Set([plugin]));
      else before.add(plugin);
    }
  }

  may(action: Action, plugin: string | null): boolean {
    const plugins = this.#of.get(action);
    if (plugins === undefined) return false;
    return plugins === true || (plugin !== null && (plugins.has(plugin) || plugins.has("*")));
  }
}
