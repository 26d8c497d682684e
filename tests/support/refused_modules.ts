/** A module that is not loaded: its file's name and text, and what the message says of it, the place first. */
export type RefusedModule = readonly [name: string, text: string, ...parts: string[]];

/** What is refused wherever a plugin is loaded. */
export const REFUSED_MODULES: readonly RefusedModule[] = [
  [
    "orders.ts",
    "const a = 1;\nexport enum Colour { Red }\n",
    "orders.ts:2:8: ",
    "enum",
    "with esbuild",
    "export enum Colour",
  ],
  [
    "orders.ts",
    "export default class {\n  constructor(public a: string) {}\n}",
    "orders.ts:2:22: ",
    "parameter property",
  ],
  ["orders.ts", "@d\nexport default class {}", "orders.ts:1:1: ", "decorator"],
  ["orders.ts", "export default {\n  commands: ;\n};", "orders.ts:2:13: ", "syntax error", "commands: ;"],
  ["orders.js", "export default {\n  commands: [,\n};", "orders.js:3:1: ", "syntax error"],
  [
    "orders.ts",
    'import type { A } from "mevent/plugin";\nimport pad from "left-pad";',
    "orders.ts:2:18: ",
    "npx esbuild orders.ts --bundle --format=esm --platform=node --outfile=orders.js",
  ],
  // mevent itself has these two, for its own use.
  [
    "orders.ts",
    'import pg from "pg";',
    "orders.ts:1:17: ",
    'nothing here provides "pg"',
    "npx esbuild orders.ts",
  ],
  ["orders.ts", 'import "npm:croner";', "orders.ts:1:9: ", 'provides "npm:croner"', "npx esbuild orders.ts"],
  [
    "orders.ts",
    'import { Plugin } from "mevent/plugin";',
    "orders.ts:1:25: ",
    "write `import type { … } from",
  ],
  [
    "orders.ts",
    '\nimport { x } from "./none.ts";',
    "orders.ts:2:20: ",
    "none.ts: there is no such file",
    "import { x }",
  ],
  ["orders.tsx", "export default 1;", "orders.tsx: JSX is not loaded"],
];
