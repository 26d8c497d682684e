import { Buffer } from "node:buffer";
import process from "node:process";
import { parseJson } from "../../src/exact_json.ts";

/** The part of the driver that is used; it carries no types. */
export interface PgClient {
  connect(): Promise<void>;
  query(query: {
    text: string;
    values?: readonly unknown[];
    name?: string;
    rowMode?: "array";
  }): Promise<PgResult | PgResult[]>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
  readonly connection: { readonly stream: { destroy(): void } };
  /** Of the server's process, as it says at the start; a pooler says something else. */
  readonly processID: number | null;
}

export interface PgResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly (readonly unknown[])[];
  readonly fields: readonly { readonly name: string }[];
}

interface PgDriver {
  readonly Client: new (options: Record<string, unknown>) => PgClient;
}

const [BOOL, BYTEA, INT8, INT2, INT4, OID, JSON_TYPE, FLOAT4, FLOAT8, JSONB] = [
  16,
  17,
  20,
  21,
  23,
  26,
  114,
  700,
  701,
  3802,
];

/** What is read as something else than its text; exact decimals and times stay what they are. */
function parserOf(type: number): (text: string) => unknown {
  switch (type) {
    case BOOL:
      return (text) => text === "t";
    case BYTEA:
      return bytesOf;
    case INT8:
      return BigInt;
    case INT2:
    case INT4:
    case OID:
    case FLOAT4:
    case FLOAT8:
      return Number;
    case JSON_TYPE:
    case JSONB:
      return parseJson;
    default:
      return (text) => text;
  }
}

/** As the server's `bytea_output` has it: in hexadecimal, or with backslashes for what is no letter. */
function bytesOf(text: string): Uint8Array {
  if (text.startsWith("\\x")) return new Uint8Array(Buffer.from(text.slice(2), "hex"));
  const plain = text.replace(
    /\\(\\|[0-3][0-7]{2})/g,
    (_, code) => code === "\\" ? code : String.fromCharCode(parseInt(code, 8)),
  );
  return new Uint8Array(Buffer.from(plain, "latin1"));
}

let driver: PgDriver | undefined;

/** A client that is not connected yet. The driver is loaded only where a URL asks for it. */
export async function createClient(options: Record<string, unknown>): Promise<PgClient> {
  driver ??= await withoutEnvironment(async () =>
    (await import("pg") as { default: unknown }).default as PgDriver
  );
  const { Client } = driver;
  return await withoutEnvironment(() =>
    Promise.resolve(new Client({ ...options, types: { getTypeParser: parserOf } }))
  );
}

/** The driver reads PGHOST and the like, which a sandboxed worker may not, and which the config does not name. */
async function withoutEnvironment<T>(work: () => Promise<T>): Promise<T> {
  const env = process.env;
  process.env = {};
  try {
    return await work();
  } finally {
    process.env = env;
  }
}
