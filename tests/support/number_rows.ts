import type { JsonObject } from "../../src/plugin.ts";
import { encodeBody, encodeContent, Encoding } from "../../src/protocol/body.ts";

/** A row of the table in docs/params.md: what is sent, and what comes of it; "23" where it is refused. */
export interface NumberRow {
  /** As JSON text. */
  readonly sent: string;
  /** A bigint as its digits and an `n`; texts in quotes. */
  readonly all: string;
  readonly number: string;
  readonly int: string;
  readonly bigint: string;
  readonly string: string;
  /** As JSON text. */
  readonly exact: string;
}

const TABLE = new URL("../../docs/params.md", import.meta.url);
const HEADER = "| sent | `all()`, `value()` | `number()` | `int()` | `bigint()` |";

export async function numberRows(): Promise<NumberRow[]> {
  const lines = (await Deno.readTextFile(TABLE)).split("\n");
  const first = lines.findIndex((line) => line.startsWith(HEADER));
  if (first < 0) throw new Error(`docs/params.md has no table with ${HEADER}`);
  const rows: NumberRow[] = [];
  for (let at = first + 2; lines[at]?.startsWith("|"); at++) {
    const [sent, all, number, int, bigint, string, exact] = lines[at]!.split("|").slice(1).map((cell) =>
      cell.trim().replaceAll("`", "")
    );
    if (exact === undefined) throw new Error(`a row of docs/params.md lacks cells: ${lines[at]}`);
    rows.push({
      sent: sent!,
      all: all!,
      number: number!,
      int: int!,
      bigint: bigint!,
      string: string!,
      exact,
    });
  }
  return rows;
}

/** A way to write a param as sent: the encoding with the type, and the body of `{ …others, [path]: sent }`. */
export interface NumberWay {
  readonly name: string;
  body(path: string, others?: Readonly<Record<string, string>>): Uint8Array;
}

/** All ways to say what the row has sent. */
export function waysOf({ sent }: Pick<NumberRow, "sent">): NumberWay[] {
  const isText = sent.startsWith('"');
  const whole = /^-?\d+$/.test(sent) && sent !== "-0" ? BigInt(sent) : undefined;
  const ways: NumberWay[] = [json(sent)];
  if (isText) ways.push(hdf("HDF without a type", "", JSON.parse(sent)), cells(JSON.parse(sent)));
  else ways.push(hdf("HDF 104", " [type=104]", sent));
  if (whole !== undefined && BigInt.asIntN(64, whole) === whole) {
    ways.push(hdf("HDF 102", " [type=102]", sent), hdf("HDF 103", " [type=103]", sent));
  }
  if (whole !== undefined && BigInt.asUintN(64, whole) === whole) ways.push(cells(whole));
  return ways;
}

function json(sent: string): NumberWay {
  return {
    name: "JSON",
    body(path, others = {}) {
      const entries = Object.entries(others).map(([key, text]) => `"${key}":${JSON.stringify(text)},`);
      const [last, ...outer] = path.split(".").reverse();
      const value = outer.reduce((inner, key) => `"${key}":{${inner}}`, `"${last}":${sent}`);
      return encodeContent(Encoding.Json, new TextEncoder().encode(`{${entries.join("")}${value}}`));
    },
  };
}

function hdf(name: string, type: string, text: string): NumberWay {
  return {
    name,
    body(path, others = {}) {
      const lines = [...Object.entries(others).map(([key, value]) => `${key} = ${value}`)];
      const written = [...lines, `${path}${type} = ${text}`, ""].join("\n");
      return encodeContent(Encoding.Hdf, new TextEncoder().encode(written));
    },
  };
}

function cells(value: string | bigint): NumberWay {
  return {
    name: "cells",
    body(path, others = {}) {
      const [last = "", ...outer] = path.split(".").reverse();
      const nested = outer.reduce<JsonObject>((inner, key) => ({ [key]: inner }), { [last]: value });
      return encodeBody(Encoding.Cells, { ...others, ...nested });
    },
  };
}
