import { TomlDate } from "smol-toml";
import * as v from "valibot";
import { type AddressNet, EXPECTED_NET, parseNet } from "../auth/address_list.ts";
import { EXPECTED_RATE, parseRate, type Rate } from "../auth/rate.ts";
import { EXPECTED_RIGHT, parseRight, type Right } from "../auth/rights.ts";
import { parseHash } from "../auth/token.ts";
import { parseAmount, TIME_UNITS_WITH_DAYS } from "../amount.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { type InetAddress, parseAddress } from "./address.ts";
import { ConfigError, type ConfigProblem, type KeyPath, mismatch } from "./config_error.ts";
import { type Forwarding, parseForwarding } from "./forwarding.ts";
import { isTable } from "./is_table.ts";
import { parseUnixSocket, type UnixSocket } from "./unix_socket.ts";
import { formatBytes, formatDuration, parseBytes, parseDuration } from "./units.ts";

/** A schema that applies a parser; what the parser throws as ConfigError become its problems. */
function parsed<T>(parse: (value: unknown) => T) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const { message, path = [] } of error.details) {
          const items = path.map((
            key,
          ) => ({ type: "unknown", origin: "value", input: null, key, value: null } as const));
          const [first, ...rest] = items;
          addIssue(first === undefined ? { message } : { message, path: [first, ...rest] });
        }
        return NEVER;
      }
    }),
  );
}

/** A whole number within bounds. */
export function count(least: number, most: number) {
  return parsed((value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
      throw mismatch(`a whole number from ${least} to ${most}`, value);
    }
    return value;
  });
}

/** A duration of at least so many milliseconds, in milliseconds. */
export function duration(least: number) {
  return parsed((value) => {
    const milliseconds = parseDuration(value);
    if (milliseconds < least) throw mismatch(`a duration of at least ${formatDuration(least)}`, value);
    return milliseconds;
  });
}

/** A size within bounds, in bytes. */
export function bytes(least: number, most: number) {
  return parsed((value) => {
    const size = parseBytes(value);
    if (size < least || size > most) {
      throw mismatch(`a size from ${formatBytes(least)} to ${formatBytes(most)}`, value);
    }
    return size;
  });
}

/** true or false. */
export function flag() {
  return parsed((value) => {
    if (typeof value !== "boolean") throw mismatch("true or false", value);
    return value;
  });
}

/** One of the words. */
export function choice<T extends string>(words: readonly T[]) {
  return parsed((value) => {
    const word = words.find((each) => each === value);
    if (word === undefined) throw mismatch(words.map((each) => `"${each}"`).join(", "), value);
    return word;
  });
}

/** A text that is not empty. */
export function text(expected: string, isLegal: (text: string) => boolean = () => true) {
  return parsed((value) => {
    if (typeof value !== "string" || value === "" || !isLegal(value)) throw mismatch(expected, value);
    return value;
  });
}

/** What a table of the config is called by whoever writes it. */
export function ownName() {
  return text(
    "a name of 1 to 64 characters without controls",
    (name) => name.length <= 64 && !/\p{C}/u.test(name),
  );
}

/** A text; an empty one says nothing. */
export function anyText(expected: string) {
  return parsed((value) => {
    if (typeof value !== "string" || value.includes("\0")) throw mismatch(expected, value);
    return value;
  });
}

/** The longest time between two syncs of a journal, in ms. */
const MAX_SYNC_MS = 60_000;

/** "always", which is 0, or a duration of at least 1 ms, in milliseconds. */
export function syncInterval() {
  return parsed((value) => {
    if (value === "always") return 0;
    const isText = typeof value === "string" && /\d/.test(value);
    const ms = isText ? parseDuration(value) : 0;
    if (ms < 1 || ms > MAX_SYNC_MS) throw mismatch('"always" or a duration from 1ms to 1m', value);
    return ms;
  });
}

/** One address, a list of them, or none: `""` and `[]`. */
export function addresses() {
  return parsed((value): InetAddress[] =>
    listOfTexts(value, "an address or a list of addresses").map((text, at) => {
      try {
        return parseAddress(text);
      } catch (error) {
        if (!(error instanceof ConfigError) || !Array.isArray(value)) throw error;
        throw new ConfigError(error.details.map((detail) => ({ ...detail, path: [at] })));
      }
    })
  );
}

/** A name, or an address, as it stands in the header Host. */
const HOST_NAME = /^(?=.{1,253}$)[a-z\d_](?:[a-z\d_-]*[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]*[a-z\d_])?)*$/;

/** How a browser names where a page comes from. */
const ORIGIN = /^(?:https?:\/\/(?:[a-z\d.-]+|\[[\da-f:.]+\])(?::\d{1,5})?|\*)$/;

/** One origin of pages, `"https://shop.example"`, a list of them, `"*"` for all, or none. */
export function origins() {
  return parsed((value): string[] => {
    const expected = 'an origin such as "https://shop.example", a list of them, or "*"';
    const list = listOfTexts(value, expected);
    if (!list.every((each) => ORIGIN.test(each))) throw mismatch(expected, value);
    return list;
  });
}

/** One name of this server, a list of them, or none: `""` and `[]`; in small letters. */
export function hostNames() {
  return parsed((value): string[] => {
    const expected = 'a host\'s name such as "mevent.example.com", or a list of them, without ports';
    const list = listOfTexts(value, expected).map((each) => each.toLowerCase());
    if (!list.every((each) => HOST_NAME.test(each))) throw mismatch(expected, value);
    return list;
  });
}

/** One Unix socket, a list of them, or none: `""` and `[]`. */
export function unixSockets() {
  return parsed((value): UnixSocket[] =>
    value === "" ? [] : (Array.isArray(value) ? value : [value]).map(parseUnixSocket)
  );
}

/** One forwarding, a list of them, or none: `""` and `[]`. */
export function forwardings() {
  return parsed((value): Forwarding[] =>
    value === "" ? [] : (Array.isArray(value) ? value : [value]).map(parseForwarding)
  );
}

/** One address or net, a list of them, or none: `""` and `[]`. */
export function nets() {
  return parsed((value): AddressNet[] => eachText(value, EXPECTED_NET, parseNet));
}

/** A share from above 0 to 1, as `0.8` or `"80%"`. */
export function share() {
  return parsed((value): number => {
    const [, digits] = (typeof value === "string" ? /^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(value) : null) ?? [];
    const found = digits === undefined ? value : Number(digits) / 100;
    if (typeof found === "number" && found > 0 && found <= 1) return found;
    throw mismatch('a share such as 0.8 or "80%", above 0 and up to 1', value);
  });
}

/** A time that may be long, `"14d"` or `"72h"`, in ms. */
export function longTime() {
  return parsed((value): number => {
    const ms = parseAmount(value, TIME_UNITS_WITH_DAYS);
    if (ms === undefined || ms < 1) throw mismatch('a time such as "14d" or "72h"', value);
    return ms;
  });
}

/** What is there or is left out. */
export function onlyTrue() {
  return parsed((value): true => {
    if (value !== true) throw mismatch("true; leave it out otherwise", value);
    return true;
  });
}

/** One name, a list of them, or none: `""` and `[]`. */
export function names() {
  return parsed((value): string[] => listOfTexts(value, "a name or a list of names"));
}

/** A program and its arguments; they are not repeated: they may be secret. */
export function commandLine() {
  return parsed((value): string[] => {
    const list: unknown[] = Array.isArray(value) ? value : [];
    const isText = (each: unknown): each is string => typeof each === "string" && !each.includes("\0");
    if (list.length > 0 && list[0] !== "" && list.every(isText)) return list;
    throw new ConfigError([{
      message: 'expected a program and its arguments, such as ["/usr/local/bin/notify", "--to", "ops"]',
    }]);
  });
}

/** A URL, whose path and query may be secret: it is not repeated. */
export function secretUrl() {
  return parsed((value): string => {
    const url = typeof value === "string" ? URL.parse(value) : null;
    const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
      url.password === "";
    if (isPlain) return url.href;
    throw new ConfigError([{
      message: "expected the URL of a webhook, https:// or http://, without a user and a password in it",
    }]);
  });
}

/** Headers of a request; their values are not repeated. */
export function secretHeaders() {
  return parsed((value): Record<string, string> => {
    if (!isTable(value)) throw mismatch("a table of headers", value);
    const wrong = Object.entries(value).find(([name, text]) =>
      !/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(name) || typeof text !== "string" || /[^\t\x20-\x7e]/.test(text)
    );
    if (wrong === undefined) {
      return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
    }
    throw new ConfigError([{
      message: "expected a header's name, and a text of visible ASCII characters",
      path: [wrong[0]],
    }]);
  });
}

/** One right or a list of them, without those that stand in it twice. */
export function rights() {
  return parsed((value): Right[] => {
    const found = eachText(value, EXPECTED_RIGHT, parseRight).flat();
    if (found.length === 0) throw mismatch(EXPECTED_RIGHT, value);
    return found;
  });
}

/** A rate, or null for `""`. */
export function rate() {
  return parsed((value): Rate | null => {
    if (value === "") return null;
    const found = typeof value === "string" ? parseRate(value) : undefined;
    if (found === undefined) throw mismatch(EXPECTED_RATE, value);
    return found;
  });
}

/** The hash of a token. */
export function tokenHash() {
  return parsed((value): Uint8Array => {
    const found = typeof value === "string" ? parseHash(value) : undefined;
    // What stands there may be the token itself: it is not repeated.
    if (found !== undefined) return found;
    throw new ConfigError([{
      message:
        'expected "sha256:" and 64 hexadecimal digits, as mevent token new prints it, not a token itself',
    }]);
  });
}

/** A date with its time and zone, in ms since 1970. */
export function instant() {
  return parsed((value): number => {
    const isWhole = value instanceof TomlDate && value.isDateTime() && !value.isLocal();
    if (!isWhole) throw mismatch("a date with time and zone such as 2027-01-01T00:00:00Z", value);
    return value.getTime();
  });
}

/** All, nothing, or what is listed. */
export function permission() {
  return parsed((value) =>
    typeof value === "boolean" ? value : listOfTexts(value, "true, false or a list of texts")
  );
}

/** "none", where a table may stand. */
export function noTable() {
  return parsed((value): "none" => {
    if (value !== "none") throw mismatch('a table or "none"', value);
    return value;
  });
}

/** A table of anything that JSON can write too. */
export function jsonTable() {
  return parsed((value): JsonObject => {
    if (!isTable(value)) throw mismatch("a table", value);
    const problems: ConfigProblem[] = [];
    const json = toJson(value, [], problems);
    if (problems.length > 0) throw new ConfigError(problems);
    return json as JsonObject;
  });
}

/** What each text is; a problem of one stands at its place in the list. */
function eachText<T>(value: unknown, expected: string, parse: (text: string) => T | undefined): T[] {
  return listOfTexts(value, expected).map((text, at) => {
    const found = parse(text);
    if (found === undefined) throw mismatch(expected, text, Array.isArray(value) ? [at] : []);
    return found;
  });
}

/** The texts of `"a"` or `["a", "b"]`; an empty text stands for an empty list. */
function listOfTexts(value: unknown, expected: string): string[] {
  if (value === "") return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((each) => {
    if (typeof each !== "string" || each === "") throw mismatch(expected, value);
    return each;
  });
}

/** The value as JSON; all that JSON cannot write is added to the problems, by its path. */
function toJson(value: unknown, path: KeyPath, problems: ConfigProblem[]): JsonValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return value;
  }
  if (Array.isArray(value)) return value.map((each, at) => toJson(each, [...path, at], problems));
  if (typeof value !== "object" || value === null || value instanceof Date) {
    const expected = typeof value === "number" || typeof value === "bigint"
      ? "a finite number within ±2^53 (write others as text)"
      : "a text, a number, a boolean, a list or a table (write dates as text)";
    problems.push(...mismatch(expected, value, path).details);
    return null;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, toJson(each, [...path, key], problems)]),
  );
}
