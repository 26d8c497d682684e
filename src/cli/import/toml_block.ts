import { tomlLine } from "../../config/toml_text.ts";

/** A table of a config as it is written: its head, comments and keys, in their order. */
export class TomlBlock {
  readonly #lines: string[] = [];

  /** @param head `[server]`, `[[plugin]]` */
  constructor(head: string) {
    this.#lines.push(head);
  }

  comment(text: string): this {
    this.#lines.push(...text.split("\n").map((line) => `# ${line}`));
    return this;
  }

  set(key: string, value: unknown): this {
    this.#lines.push(tomlLine([key], value));
    return this;
  }

  /** A table below, as `[plugin.config]`. */
  table(head: string): this {
    this.#lines.push(head);
    return this;
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}
