/**
 * What tests of plugins import: `import { openPlugin, test } from "mevent/testing"`. Runs under `mevent plugin test`, and
 * under `deno test -A` with mevent's deno.json.
 *
 * @module
 */
import { openPlugin as open } from "./open_plugin.ts";
import { registerTest } from "./test_file.ts";
import type { OpenPlugin, Test } from "./testing_types.ts";

export type * from "./testing_types.ts";

export const openPlugin: OpenPlugin = open;
export const test: Test = registerTest;
