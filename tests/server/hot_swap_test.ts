import { assert, assertEquals } from "@std/assert";
import { HotSwapLoad, swapFiles, SWAPPED } from "../../bench/reload/hot_swap_load.ts";
import { Connection } from "../../src/client/mod.ts";
import { TestServer } from "../support/test_server.ts";
import { thorough } from "../support/thorough.ts";
import { until } from "../support/until.ts";

/** The long form, 200 swaps of the executable, is bench/hot_swap.ts. */
const SWAPS = thorough(5, 3);
const CONNECTIONS = 3;
const BURST_EVERY_MS = 5;

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`through ${SWAPS} swaps of its code under load, as a ${isolation}, each operation is run once, by one version`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
    const write = async (version: number) => {
      for (const [name, text] of Object.entries(swapFiles(version))) {
        await Deno.writeTextFile(`${folder}/${name}`, text);
      }
    };
    try {
      await write(0);
      const plugins = [{ name: SWAPPED, module: `file://${folder}/swapped.ts`, workers: 2, isolation }];
      await using server = await TestServer.start({ plugins });
      const { hostname, port } = server.tcp;
      const connect = () => Connection.connect({ transport: "tcp", hostname, port });
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
      const load = new HotSwapLoad(clients, BURST_EVERY_MS);
      for (let version = 1; version <= SWAPS; version++) {
        const { sent } = load;
        await until("the load goes on", () => load.sent > sent + 100);
        await write(version);
        const { changed } = await server.reload({ plugins });
        assertEquals(changed, [`plugin ${SWAPPED}: its module's files have changed`]);
        load.version = version;
        await until("the new version answers", () => load.tally.versions.has(version));
      }
      const { sync, async, sum, versions, ...faults } = await load.end();
      assertEquals(faults, { refused: 0, failed: 0, mixed: 0, stale: 0, stray: 0, dropped: 0 });
      assertEquals([versions.size, sync + async], [SWAPS + 1, load.sent]);
      const figure = (name: string) => server.plugin(SWAPPED).counters[name] ?? 0;
      await server.until("all have run", () => figure("ran") >= load.sent);
      assertEquals([figure("ran"), figure("sum"), figure("mixed")], [load.sent, sum, 0]);
      const { accepted, done, restarts } = server.plugin(SWAPPED);
      assertEquals([accepted, done, restarts], [load.sent, load.sent, 0]);
      assert(sync > 0 && async > 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
