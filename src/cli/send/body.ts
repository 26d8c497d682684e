import { relaidJson } from "../../exact_json.ts";
import { HdfError } from "../../hdf/error.ts";
import { parseHdf } from "../../hdf/parse.ts";
import { encodeContent, Encoding } from "../../protocol/body.ts";
import type { JsonValue } from "../../plugin.ts";
import type { Flag } from "../flag.ts";
import { jsonProblem, utf8Problem } from "../input_problem.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { InputError, readInput, STDIN } from "./input.ts";
import { UsageError } from "../usage_error.ts";

/** The flags that say which operation is sent, but for its plugin. */
export const OPERATION_FLAGS: readonly Flag[] = [
  { name: "cmd", value: "NUMBER", help: "The command: 1 to 65535; those up to 1000 are mevent's own." },
  {
    name: "json",
    value: "TEXT|@FILE|-",
    help: "The params as a JSON object: the text, a file's, or stdin's.",
  },
  {
    name: "hdf",
    value: "FILE",
    help: "The params as HDF, from a file or (-) stdin. The reply is printed as HDF.",
  },
];

/** The body that --json, --hdf or the key=value arguments spell; without any, JSON without keys. */
export async function sendBody(
  args: ParsedCommand,
  io: Io,
  keyed: readonly string[] = args.positionals,
): Promise<Uint8Array> {
  const json = args.text("json");
  const hdf = args.text("hdf");
  const given = [json !== undefined, hdf !== undefined, keyed.length > 0];
  if (given.filter(Boolean).length > 1) {
    throw new UsageError("the params come from one of --json, --hdf and key=value arguments");
  }
  if (hdf !== undefined) return await hdfBody(hdf, io);
  if (json !== undefined) return await jsonBody(json, io);
  return encodeContent(Encoding.Json, new TextEncoder().encode(pairs(keyed)));
}

/** The text goes out as it stands, so that numbers keep all their digits. */
async function jsonBody(spec: string, io: Io): Promise<Uint8Array> {
  const isFile = spec === STDIN || spec.startsWith("@");
  const from = spec.startsWith("@") ? spec.slice(1) : spec;
  const bytes = withoutBom(isFile ? await readInput(from, io) : new TextEncoder().encode(spec));
  const where = isFile ? `--json ${spec}` : "--json";
  const text = textOf(bytes, where);
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: not JSON: ${jsonProblem(text, error)}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InputError(`${where}: expected an object such as {"uid": 7}`);
  }
  return encodeContent(Encoding.Json, bytes);
}

async function hdfBody(path: string, io: Io): Promise<Uint8Array> {
  const where = `--hdf ${path}`;
  const bytes = withoutBom(await readInput(path, io));
  const text = textOf(bytes, where);
  try {
    parseHdf(text);
  } catch (error) {
    throw error instanceof HdfError ? new InputError(`${where}: ${error.message}`) : error;
  }
  return encodeContent(Encoding.Hdf, bytes);
}

/** JSON of `key=text` and `key:=JSON`, split at the first of the two; the text stays text, and JSON as it stands. */
function pairs(args: readonly string[]): string {
  const params = new Map<string, string>();
  for (const arg of args) {
    const at = arg.indexOf("=");
    const isJson = arg[at - 1] === ":";
    const key = arg.slice(0, isJson ? at - 1 : Math.max(at, 0));
    if (key === "") throw new UsageError(`expected key=text or key:=JSON, got ${JSON.stringify(arg)}`);
    if (params.has(key)) throw new UsageError(`${key} is given twice`);
    const value = arg.slice(at + 1);
    if (isJson) checkJson(arg, value);
    params.set(key, isJson ? relaidJson(value, 0) : JSON.stringify(value));
  }
  return `{${[...params].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`;
}

function checkJson(arg: string, text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new UsageError(`${JSON.stringify(arg)}: what follows := is not JSON; text takes = alone`);
  }
}

/** Editors put a byte order mark in front, which is no part of the text. */
function withoutBom(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function textOf(bytes: Uint8Array, where: string): string {
  const problem = utf8Problem(bytes);
  if (problem !== null) throw new InputError(`${where}: ${problem}`);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
