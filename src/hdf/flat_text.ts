import type { JsonObject, JsonValue } from "../plugin.ts";
import { HDF_TYPE, setMember } from "./json.ts";
import { IN_NAME } from "./name.ts";
import { numberFromText } from "./number.ts";
import { isSpaceCode, skipSpace } from "./space.ts";

const SPACE = 32;
const EQUALS = 61;
const BRACKET = 91;
/** A type as it is written, up to its digits, of which there are three, and behind them. */
const TYPE_BEFORE = '[type="';
const TYPE_AFTER = '"]';
const TYPE_DIGITS = 3;

/** Texts with more names are not looked at. */
const MOST_NAMES = 32;
/** Of each name, in the array of places: where name and value begin and end, and a number for the name. */
const NAME = 0;
const NAME_END = 1;
const VALUE = 2;
const VALUE_END = 3;
const HASH = 4;
const PLACES = 5;

/**
 * HDF text that is nothing but lines of `name = value`, each name once, as most params are: what `hdfToJson` makes of its
 * tree, made without the tree and where it is asked for.
 */
export class FlatText {
  private constructor(
    readonly text: string,
    readonly places: readonly number[],
    /** What the types say; null where there are none, so that all values are texts. */
    readonly typed: ReadonlyMap<number, JsonValue> | null,
  ) {}

  /** Undefined for any other text, also for one that is no HDF, has more names or holds a number that is to be exact. */
  static read(text: string, maxNames: number): FlatText | undefined {
    const most = Math.min(maxNames, MOST_NAMES) * PLACES;
    const places: number[] = [];
    let typed: Map<number, JsonValue> | null = null;
    for (let at = 0; at < text.length;) {
      const name = at;
      let hash = 0;
      for (let code; IN_NAME[code = text.charCodeAt(at)] === 1; at++) hash = Math.imul(hash, 31) + code | 0;
      const nameEnd = at;
      if (nameEnd === name || places.length >= most || isIn(places, hash)) return undefined;
      let type = "";
      while (text.charCodeAt(at) === SPACE) at++;
      if (text.charCodeAt(at) === BRACKET) {
        if (!text.startsWith(TYPE_BEFORE, at)) return undefined;
        at += TYPE_BEFORE.length;
        type = text.slice(at, at += TYPE_DIGITS);
        if (!text.startsWith(TYPE_AFTER, at)) return undefined;
        at += TYPE_AFTER.length;
        while (text.charCodeAt(at) === SPACE) at++;
      }
      if (text.charCodeAt(at) !== EQUALS) return undefined;
      const newline = text.indexOf("\n", at);
      let end = newline < 0 ? text.length : newline;
      const value = skipSpace(text, at + 1, end);
      at = end + 1;
      while (end > value && isSpaceCode(text.charCodeAt(end - 1))) end--;
      if (type !== "" && type !== HDF_TYPE.string) {
        const read = valueOf(type, text.slice(value, end));
        if (read === undefined) return undefined;
        typed ??= new Map();
        typed.set(places.length, read);
      }
      places.push(name, nameEnd, value, end, hash);
    }
    return text.includes("\0") ? undefined : new FlatText(text, places, typed);
  }

  /** The value of that name, undefined where there is none. */
  find(name: string): JsonValue | undefined {
    const { text, places } = this;
    for (let at = 0; at < places.length; at += PLACES) {
      const from = places[at + NAME]!;
      if (places[at + NAME_END]! - from === name.length && text.startsWith(name, from)) {
        return this.#value(at);
      }
    }
    return undefined;
  }

  /** All of it. */
  object(): JsonObject {
    const { text, places } = this;
    const object: JsonObject = {};
    for (let at = 0; at < places.length; at += PLACES) {
      setMember(object, text.slice(places[at + NAME], places[at + NAME_END]), this.#value(at));
    }
    return object;
  }

  #value(at: number): JsonValue {
    return this.typed?.get(at) ?? this.text.slice(this.places[at + VALUE], this.places[at + VALUE_END]);
  }
}

/** Whether the name came already, or another one with its number. */
function isIn(places: readonly number[], hash: number): boolean {
  for (let at = HASH; at < places.length; at += PLACES) if (places[at] === hash) return true;
  return false;
}

/** The value as its type says; undefined where that takes a closer look. */
function valueOf(type: string, text: string): JsonValue | undefined {
  if (type === HDF_TYPE.bool) return text === "1" ? true : text === "0" ? false : undefined;
  if (type !== HDF_TYPE.int && type !== HDF_TYPE.int64) return undefined;
  const number = numberFromText(text, true);
  return typeof number === "number" ? number : undefined;
}
