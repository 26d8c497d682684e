import { assert, assertEquals } from "@std/assert";
import { until } from "../support/until.ts";
import { executableTest, Workplace } from "./executable.ts";

const PLUGIN = `import type { Plugin } from "mevent/plugin";
export default {
  name: "p",
  concurrency: 4,
  timers: [
    { name: "by the clock", cron: "* * * * * *", timeZone: "Europe/Berlin", run: ({ cache }) => void cache.incr("clock") },
    { name: "calling", every: "50ms", run: (context) => context.enqueue("kv", 1004, { key: "enqueued" }) },
  ],
  commands: {
    1001: { name: "ask", run: ({ call, params }) => call("kv", 1001, { key: params.string("key") }) },
    1002: { name: "clock", run: async ({ cache }) => Number(await cache.get("clock") ?? 0) },
  },
} satisfies Plugin;
`;

function config(folder: string): string {
  return `[[plugin]]
name = "p"
module = "./p.ts"
[[plugin]]
name = "apart"
module = "./p.ts"
isolation = "process"
[[plugin]]
name = "kv"
module = "builtin:kv"
permissions = { read = ["${folder}"], write = ["${folder}"] }
config = { snapshot = "${folder}/kv.snapshot" }
`;
}

executableTest(
  "plugins call kv, their timers run, and what kv holds is there after the next start",
  async () => {
    await using place = await Workplace.make({ "p.ts": PLUGIN });
    await Deno.mkdir(`${place.path}/kept`);
    await place.write("mevent.toml", config(`${place.path}/kept`));
    let held = 0;
    for (let start = 0; start < 2; start++) {
      await using server = await place.serve();
      await using client = await server.connect();
      const count = async () => {
        const { code, value } = await client.request("kv", 1001, { key: "enqueued" });
        return code === 24 ? 0 : Number((value as { value: string }).value);
      };
      const first = await count();
      assert(first >= held, `${first} is less than ${held}`);
      await until("the timers have called", async () => await count() > first + 3);
      for (const name of ["p", "apart"]) {
        await until(`the clock's timer of ${name} has run`, async () => {
          const { value } = await client.request(name, 1002, {});
          return Number(value) >= 2;
        });
        assertEquals((await client.request(name, 1001, { key: "enqueued" })).code, 1000);
        assertEquals((await client.request(name, 1001, { key: "nothing" })).code, 14);
      }
      held = await count();
    }
    assert(held > 0);
  },
);
