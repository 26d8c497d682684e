import { tomlText } from "../config/toml_text.ts";
import { typeDeclarations } from "./type_declarations.ts";

/** The files of a new plugin, by their names: what it does, its tests, its config, and the types that both import. */
export async function pluginFiles(name: string): Promise<Map<string, string>> {
  return new Map([
    [`${name}.ts`, pluginSource(name)],
    [`${name}_test.ts`, testSource(name)],
    [`${name}.toml`, configSource(name)],
    [TYPES_FILE, await typeDeclarations()],
  ]);
}

/** The one file that plugins of a folder share. */
export const TYPES_FILE = "mevent.d.ts";

function pluginSource(name: string): string {
  return `/// <reference path="./${TYPES_FILE}" />
import type { Plugin } from "mevent/plugin";

export default {
  name: ${JSON.stringify(name)},
  description: "what it does, in a line",

  // By number, from 1001 on: what callers send as --cmd.
  commands: {
    1001: {
      name: "price",
      description: "what some pieces cost",
      run(context) {
        const { params } = context;
        // A param that is missing or of another type is answered 23, with a sentence.
        const pieces = params.int("pieces", 1);
        if (pieces < 1) throw context.fail(40, "pieces are to be 1 or more");
        return { total: params.number("price") * pieces };
      },
    },
    1002: {
      name: "remember",
      description: "keeps an order for an hour; send it with --async where nobody waits",
      async run({ params, cache, log, stats }) {
        const order = params.string("order");
        await cache.set(order, JSON.stringify(params.all()), 3600);
        stats.count("orders");
        log.info("remembered", { order });
      },
    },
  },
} satisfies Plugin;
`;
}

function testSource(name: string): string {
  return `/// <reference path="./${TYPES_FILE}" />
import assert from "node:assert/strict";
import { openPlugin, test } from "mevent/testing";

test("price multiplies, and wants a price", async () => {
  await using plugin = await openPlugin("./${name}.ts");
  assert.deepEqual(await plugin.call("price", { price: 2.5, pieces: 4 }), { total: 10 });
  await assert.rejects(plugin.call("price", { pieces: 4 }), { code: 23 });
  await assert.rejects(plugin.call("price", { price: 2.5, pieces: 0 }), { code: 40 });
});

test("remember keeps the order", async () => {
  await using plugin = await openPlugin("./${name}.ts");
  await plugin.enqueue("remember", { order: "A1", pieces: 4 });
  await plugin.idle();
  assert.equal(await plugin.cache.get("A1"), '{"order":"A1","pieces":4}');
  assert.equal(plugin.stats().failed, 0);
});
`;
}

/** The plugin's table alone. It opens no table below it: what is appended to the file belongs to the plugin. */
export function pluginTable(name: string): string {
  return `[[plugin]]
name = ${tomlText(name)}
module = ${tomlText(`./${name}.ts`)}
# biz = 20                                # a number that callers may send instead of the name
# workers = 2
# permissions = { net = ["127.0.0.1:5432"] }
# config.currency = "EUR"                 # what the plugin gets as context.config
`;
}

function configSource(name: string): string {
  return `# mevent serve --config ${name}.toml
${pluginTable(name)}`;
}
