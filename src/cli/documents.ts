/** Where the documents stand; in the executable they are files, too. */
const ROOT = new URL("../../", import.meta.url);
const EXAMPLE = new URL("config.example.toml", ROOT);

/** A document that `mevent help` prints. */
export interface Topic {
  /** What it is asked for by. */
  readonly name: string;
  readonly title: string;
  readonly url: URL;
}

/** The config with every key, its default and what it means. */
export function exampleConfig(): Promise<string> {
  return Deno.readTextFile(EXAMPLE);
}

/** All documents, the config first. */
export async function topics(): Promise<Topic[]> {
  const found: Topic[] = [];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (!name.endsWith(".md")) continue;
    const url = new URL(`docs/${name}`, ROOT);
    found.push({ name: name.slice(0, -".md".length), title: titleOf(await Deno.readTextFile(url)), url });
  }
  found.sort((a, b) => a.name < b.name ? -1 : 1);
  return [
    { name: "config", title: "Every key of the config, its default and unit", url: EXAMPLE },
    { name: "readme", title: "What mevent is, and a tour", url: new URL("README.md", ROOT) },
    ...found,
  ];
}

function titleOf(text: string): string {
  return /^# (.+)$/m.exec(text)?.[1] ?? "";
}
