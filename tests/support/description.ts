import { assert } from "@std/assert";
import { Ajv2020 } from "ajv/2020";
import { isTable } from "../../src/config/is_table.ts";

export const NDJSON = "application/x-ndjson";

/** A server's openapi.json, to hold what it answers to it. */
export class Description {
  /** What was held to it: `GET /readyz`. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false });

  private constructor(readonly document: Record<string, unknown>) {
    this.#ajv.addSchema({ $id: "mevent", components: document["components"] });
  }

  static async of(url: string): Promise<Description> {
    const document: unknown = await (await fetch(`${url}/openapi.json`)).json();
    assert(isTable(document));
    return new Description(document);
  }

  /** Its paths, their methods, and whether they are for those who run the server. */
  get paths(): { readonly path: string; readonly methods: string[]; readonly isAdmin: boolean }[] {
    return Object.entries(partOf(this.document, "paths")).map(([path, item]) => {
      assert(isTable(item));
      const methods = Object.keys(item).map((method) => method.toUpperCase());
      const isAdmin = Object.values(item).every((each) =>
        isTable(each) && Array.isArray(each["tags"]) && each["tags"].includes("admin")
      );
      return { path, methods, isAdmin };
    });
  }

  /** Holds a response to what is said of it: its status, its type and its form. Resolves with its text. */
  async check(path: string, method: string, response: Response): Promise<string> {
    const what = `${method} ${path} ${response.status}`;
    this.seen.add(`${method} ${path}`);
    const type = response.headers.get("content-type") ?? "";
    const text = await response.text();
    const schema = partOf(
      this.document,
      ...["paths", path, method.toLowerCase(), "responses", String(response.status)],
      ...["content", type, "schema"],
    );
    if (!type.includes("json")) return text;
    const validate = this.#ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"mevent#/')));
    const values = type === NDJSON ? text.trimEnd().split("\n") : [text];
    for (const value of values) {
      assert(validate(JSON.parse(value)), `${what}: ${value}: ${this.#ajv.errorsText(validate.errors)}`);
    }
    return text;
  }
}

/** A part of a document by its keys; throws where there is none. */
function partOf(document: unknown, ...keys: readonly string[]): Record<string, unknown> {
  let part = document;
  for (const key of keys) part = isTable(part) ? part[key] : undefined;
  assert(isTable(part), `there is no ${keys.join(" > ")}`);
  return part;
}
