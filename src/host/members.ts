import { nearest } from "../nearest.ts";

/** What each level of a plugin has, as src/plugin.ts declares it; a test holds it to that. */
export const MEMBERS = {
  plugin: [
    "name",
    "biz",
    "description",
    "concurrency",
    "sync",
    "commands",
    "timers",
    "start",
    "stop",
    "health",
  ],
  command: ["name", "description", "idempotent", "params", "run", "batch", "runBatch"],
  batch: ["max", "wait"],
  timer: ["name", "every", "cron", "timeZone", "run"],
} as const;

export type Level = keyof typeof MEMBERS;

/** A sentence on a plugin, and the members that lead to what it is about: `["commands", "1001", "batch"]`. */
export interface PluginRemark {
  readonly message: string;
  readonly path: MemberPath;
}

/** Members by their names, each below the one before; in a list, the object whose `name` it is. */
export type MemberPath = readonly (string | { readonly named: string })[];

/** A member that mevent does not know. */
export interface UnknownMember extends PluginRemark {
  /** It looks like one that there is: not to be had on purpose. */
  readonly isMistake: boolean;
}

/** So many remarks are made; who has more of them sees that by those. */
const MAX_REMARKS = 50;

/**
 * Members that mevent does not know, for it passes over them: of the plugin itself those alone that look like one that it
 * lacks, as it may keep things of its own there; the same of objects of classes. Throws what the plugin's own getters throw.
 */
export function unknownMembers(plugin: object): UnknownMember[] {
  const remarks: UnknownMember[] = [];
  const look = (value: unknown, level: Level, what: string, path: MemberPath) => {
    if (!isObject(value)) return;
    const names = namesOf(value);
    const known: readonly string[] = MEMBERS[level];
    const absent = known.filter((each) => !names.includes(each));
    for (const name of names) {
      if (known.includes(name) || remarks.length === MAX_REMARKS) continue;
      const meant = nearest(name, absent);
      if (meant === undefined && (level === "plugin" || !isLiteral(value))) continue;
      const hint = meant === undefined ? `it has ${known.join(", ")}` : `did you mean \`${meant}\`?`;
      remarks.push({
        message: `${what} has no member \`${name.slice(0, 64)}\`; ${hint}`,
        path: [...path, name],
        isMistake: meant !== undefined,
      });
    }
  };
  const { commands, timers } = plugin as { readonly commands?: unknown; readonly timers?: unknown };
  look(plugin, "plugin", "a plugin", []);
  for (const [number, command] of isObject(commands) ? Object.entries(commands) : []) {
    look(command, "command", `command ${number}`, ["commands", number]);
    if (isObject(command)) {
      look(command.batch, "batch", `the batch of command ${number}`, ["commands", number, "batch"]);
    }
  }
  for (const [index, timer] of (Array.isArray(timers) ? timers : []).entries()) {
    const named = isObject(timer) && typeof timer.name === "string" ? timer.name.slice(0, 64) : undefined;
    const path = named === undefined ? ["timers"] : ["timers", { named }];
    look(timer, "timer", `timer ${named === undefined ? index : JSON.stringify(named)}`, path);
  }
  return remarks;
}

/** Written out as an object: one that is made by a class has members of its own. */
function isLiteral(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype;
}

/** Its own names, and those that its class gives it. */
function namesOf(value: object): string[] {
  const names = new Set(Object.keys(value));
  for (let proto = Object.getPrototypeOf(value); proto !== null && proto !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(proto)) if (name !== "constructor") names.add(name);
    proto = Object.getPrototypeOf(proto);
  }
  return [...names];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
