import { assert, assertEquals } from "@std/assert";
import { textOf } from "../../src/dashboard/translate.ts";
import { type Text, TEXTS } from "../../src/dashboard/texts.ts";

const FOLDER = new URL("../../src/dashboard/", import.meta.url);
const ALL: [string, Text][] = Object.entries(TEXTS);

function formsOf({ en, zh }: Text): string[] {
  return [...typeof en === "string" ? [en] : en, zh];
}

function placesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!))].sort();
}

Deno.test("every text is there in both languages, and has the same places in them", () => {
  assert(ALL.length > 50);
  for (const [key, text] of ALL) {
    for (const form of formsOf(text)) assert(form.trim() !== "", `${key} is empty`);
    const [first, ...others] = formsOf(text).map(placesIn);
    for (const places of others) assertEquals(places, first, `${key} has other places in one of its forms`);
  }
});

Deno.test("no key stands in two tables of texts, where one would hide the other", async () => {
  let tables = 0;
  for await (const { name } of Deno.readDir(new URL("texts/", FOLDER))) {
    const module: { [table: string]: { [key: string]: Text } } = await import(
      new URL(`texts/${name}`, FOLDER).href
    );
    for (const table of Object.values(module)) tables += Object.keys(table).length;
  }
  assertEquals(tables, ALL.length);
});

Deno.test("English knows one from several, and Chinese says it as it is", () => {
  assertEquals(textOf("en", "finding.dead", { plugin: "mail", n: 1 }), "mail has 1 dead letter");
  assertEquals(textOf("en", "finding.dead", { plugin: "mail", n: "1,200" }), "mail has 1,200 dead letters");
  assertEquals(textOf("zh", "finding.dead", { plugin: "mail", n: 1 }), "mail 有 1 个死信");
});

Deno.test("what a text has a place for is never read as a text again", () => {
  assertEquals(textOf("en", "finding.forward", { to: "{names}" }), "{names} cannot be reached");
});

Deno.test("every text is used somewhere", async () => {
  const code: string[] = [];
  const read = async (folder: URL) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name !== "texts") await read(new URL(`${name}/`, folder));
      else if (name.endsWith(".ts")) code.push(await Deno.readTextFile(new URL(name, folder)));
    }
  };
  await read(FOLDER);
  const all = code.join("\n");
  const whole = new Set([...all.matchAll(/"([a-z]+\.[a-z0-9_.]+)"/g)].map(([, key]) => key!));
  // `state.${name}`: any text with that beginning and that end may be meant.
  const parts = [...all.matchAll(/`([a-z]+\.[a-z0-9_.]*)\$\{[^}]+\}([a-z0-9_.]*)`/g)].map((
    [, head, tail],
  ) => [head!, tail!]);
  const isUsed = (key: string) =>
    whole.has(key) || parts.some(([head, tail]) => key.startsWith(head!) && key.endsWith(tail!));
  assertEquals(ALL.map(([key]) => key).filter((key) => !isUsed(key)), []);
});
