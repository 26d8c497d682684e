/** The files that authors import types from, by the name that they import. They stand in the executable as they are. */
const SOURCES = {
  "mevent/plugin": new URL("../plugin.ts", import.meta.url),
  "mevent/testing": new URL("./testing_types.ts", import.meta.url),
};
/** What `mevent/testing` has beside its types. */
const TESTING_VALUES = "export const openPlugin: OpenPlugin;\nexport const test: Test;\n";

/** Declares what plugins and their tests import, for editors and compilers that do not have mevent itself. */
export async function typeDeclarations(): Promise<string> {
  const [plugin, testing] = await Promise.all(Object.values(SOURCES).map((url) => Deno.readTextFile(url)));
  return [
    "// Made by `mevent plugin types`: what plugins and their tests import. Do not edit; make it again after an update.\n",
    '/// <reference lib="esnext" />\n\n',
    declared("mevent/plugin", plugin!),
    "\n",
    declared("mevent/testing", `${testing}\n${TESTING_VALUES}`),
  ].join("");
}

function declared(name: keyof typeof SOURCES, source: string): string {
  const text = source
    .replaceAll('"../plugin.ts"', '"mevent/plugin"')
    .replace(/^\s*\/\/ deno-lint-ignore.*\n/gm, "");
  const lines = text.trimEnd().split("\n").map((line) => line === "" ? "" : `  ${line}`);
  return `declare module "${name}" {\n${lines.join("\n")}\n}\n`;
}
