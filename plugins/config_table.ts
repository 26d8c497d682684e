import type { JsonObject, JsonValue } from "mevent/plugin";
import { didYouMean } from "../src/nearest.ts";
import { BYTE_UNITS, formatAmount, parseAmount, TIME_UNITS, type Units } from "../src/amount.ts";

/** Bounds of a number, both included. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** A plugin's config that cannot be used: which key is wrong, or missing. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * A table of a plugin's config, read key by key. What is missing throws SettingsError with a sentence that names the key,
 * but not the value: it may be a secret. A wrong value of a key that has a default is told at the {@link end}, with all
 * others; the default stands in for it until then.
 */
export class ConfigTable {
  readonly #read = new Set<string>();
  readonly #problems: string[];
  readonly #isOutermost: boolean;

  /**
   * @param path what stands before the keys in sentences: `config`, `config.endpoints.billing`
   * @param outer the problems of the table that it is in, whose {@link end} throws them
   */
  constructor(readonly table: JsonObject, readonly path: string, outer?: string[]) {
    this.#isOutermost = outer === undefined;
    this.#problems = outer ?? [];
  }

  has(key: string): boolean {
    return this.#value(key) !== undefined;
  }

  /** A text that is not empty; throws where there is none and no other is given. */
  text(key: string, otherwise?: string): string {
    return this.#get(
      key,
      otherwise,
      "a text that is not empty",
      (value) => typeof value === "string" && value !== "" ? value : undefined,
    );
  }

  /** The same; undefined where there is none. */
  textIfAny(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined;
  }

  /** One of the words. */
  choice<T extends string>(key: string, words: readonly T[], otherwise: T): T {
    return this.#get(
      key,
      otherwise,
      `one of ${words.join(", ")}`,
      (value) => words.find((each) => each === value),
    );
  }

  /** A list of texts that are not empty. */
  texts(key: string, otherwise?: readonly string[]): readonly string[] {
    return this.#get(
      key,
      otherwise,
      "a list of texts that are not empty",
      (value) =>
        Array.isArray(value) && value.every((each) => typeof each === "string" && each !== "")
          ? value as string[]
          : undefined,
    );
  }

  /** A text that is not empty, or a list of at least one. */
  oneOrMore(key: string): readonly string[] {
    return this.#get(
      key,
      undefined,
      "a text that is not empty, or a list of such",
      (value) => {
        const list = Array.isArray(value) ? value : [value];
        return list.length > 0 && list.every((each) => typeof each === "string" && each !== "")
          ? list as string[]
          : undefined;
      },
    );
  }

  /** A table of texts. */
  textTable(key: string): { readonly [key: string]: string } {
    return this.#get(
      key,
      {},
      "a table of texts",
      (value) =>
        isTable(value) && Object.values(value).every((each) => typeof each === "string")
          ? value as { [key: string]: string }
          : undefined,
    );
  }

  bool(key: string, otherwise: boolean): boolean {
    return this.#get(
      key,
      otherwise,
      "true or false",
      (value) => typeof value === "boolean" ? value : undefined,
    );
  }

  whole(key: string, { least, most }: Range, otherwise?: number): number {
    return this.#get(
      key,
      otherwise,
      `a whole number from ${least} to ${most}`,
      (value) =>
        typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
          ? value
          : undefined,
    );
  }

  /** `"250ms"`, `"10s"`, `"1.5m"`, `"1h"`, in ms; the range and the default are in ms. */
  duration(key: string, range: Range, otherwise?: number): number {
    return this.#amount(key, 'a duration such as "250ms", "10s" or "5m"', TIME_UNITS, range, otherwise);
  }

  /** `"64 KiB"`, `"1 MiB"`, in bytes; the range and the default are in bytes. */
  bytes(key: string, range: Range, otherwise?: number): number {
    return this.#amount(key, 'a size such as "64 KiB" or "1 MiB"', BYTE_UNITS, range, otherwise);
  }

  /** The tables in a table, by their keys; none where the key is missing. */
  tables(key: string): [string, ConfigTable][] {
    const outer = this.#get(key, {}, "a table", (value) => isTable(value) ? value : undefined);
    return Object.entries(outer).map(([name, value]) => {
      const path = `${this.path}.${key}.${name}`;
      if (!isTable(value)) throw new SettingsError(`${path} is to be a table`);
      return [name, new ConfigTable(value, path, this.#problems)];
    });
  }

  /** Whatever stands at the key. */
  value(key: string): JsonValue | undefined {
    return this.#value(key);
  }

  /** All keys have been read: others are mistakes. Throws SettingsError with all that is wrong, a line each. */
  end(): void {
    const known = [...this.#read].toSorted();
    const absent = known.filter((key) => !Object.hasOwn(this.table, key));
    for (const key of Object.keys(this.table).filter((each) => !this.#read.has(each))) {
      const hint = didYouMean(key, absent) || `; it has ${known.join(", ")}`;
      this.#problems.push(`${this.path} has no key ${JSON.stringify(key)}${hint}`);
    }
    if (this.#isOutermost && this.#problems.length > 0) throw new SettingsError(this.#problems.join("\n"));
  }

  /** An error about a key, to throw, with all that is known to be wrong besides. */
  wrong(key: string, what: string): SettingsError {
    return new SettingsError([...this.#problems, `${this.path}.${key} ${what}`].join("\n"));
  }

  #value(key: string): JsonValue | undefined {
    this.#read.add(key);
    return Object.hasOwn(this.table, key) ? this.table[key] : undefined;
  }

  #amount(key: string, kind: string, units: Units, { least, most }: Range, otherwise?: number): number {
    const bounds = [least, most].map((bound) => formatAmount(bound, units, " ")).join(" to ");
    return this.#get(key, otherwise, `${kind}, from ${bounds}`, (value) => {
      const amount = parseAmount(value, units);
      return amount !== undefined && amount >= least && amount <= most ? amount : undefined;
    });
  }

  #get<T>(
    key: string,
    otherwise: T | undefined,
    wanted: string,
    read: (value: JsonValue) => T | undefined,
  ): T {
    const value = this.#value(key);
    if (value === undefined) {
      if (otherwise === undefined) throw this.wrong(key, `is missing; it is to be ${wanted}`);
      return otherwise;
    }
    const got = read(value);
    if (got !== undefined) return got;
    const what = `is to be ${wanted}`;
    if (otherwise === undefined) throw this.wrong(key, what);
    this.#problems.push(`${this.path}.${key} ${what}`);
    return otherwise;
  }
}

/** Whether it is an object, and no list. */
export function isTable(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
