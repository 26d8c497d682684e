import { stringifyJson } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { ControlRefusal } from "../operations/control_refusal.ts";

export { ControlRefusal, type RefusalKind } from "../operations/control_refusal.ts";

/** The longest piece of a request that a message repeats, in UTF-16 units. */
const SHOWN_CHARS = 80;

/** One request, `{"command": "peek", "plugin": "echo", "limit": 5}`; its readers throw ControlRefusal. */
export class ControlRequest {
  constructor(readonly values: JsonObject) {}

  /** Refuses what is none of these keys: a misspelt one would go unheard. */
  only(keys: readonly string[]): void {
    const strange = Object.keys(this.values).find((key) => key !== "command" && !keys.includes(key));
    if (strange !== undefined) {
      throw new ControlRefusal(
        `unknown key ${shown(strange)}; expected ${["command", ...keys].join(", ")}`,
        "wrong",
      );
    }
  }

  text(key: string): string {
    const value = this.values[key];
    if (typeof value !== "string" || value === "") throw this.#mismatch(key, "a text");
    return value;
  }

  /** False where it is not given. */
  flag(key: string): boolean {
    const value = this.values[key] ?? false;
    if (typeof value !== "boolean") throw this.#mismatch(key, "true or false");
    return value;
  }

  int(key: string, least: number, most: number, otherwise?: number): number {
    const value = this.values[key] ?? otherwise;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
      throw this.#mismatch(key, `a whole number from ${least} to ${most}`);
    }
    return value;
  }

  #mismatch(key: string, expected: string): ControlRefusal {
    const value = this.values[key];
    return new ControlRefusal(
      value === undefined
        ? `${key} is missing; expected ${expected}`
        : `${key}: expected ${expected}, got ${shown(value)}`,
      "wrong",
    );
  }
}

/** A value of the request for a message, cut where it is long. */
export function shown(value: JsonValue): string {
  const text = stringifyJson(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
