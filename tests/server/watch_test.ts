import { assert, assertEquals } from "@std/assert";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

const plugin = (text: string) =>
  `import { part } from "./lib/part.ts"; import data from "./data.json" with { type: "json" };
export default { name: "p", commands: { 1001: { name: "a", run: () => ${text} } } };`;

interface Watched extends AsyncDisposable {
  readonly server: TestServer;
  readonly write: (name: string, text: string) => Promise<void>;
  readonly rename: (name: string, text: string) => Promise<void>;
  readonly answer: () => Promise<unknown>;
  readonly answers: (wanted: unknown) => Promise<void>;
  readonly logged: (text: string) => string[];
  readonly plugins: (watch: boolean) => PluginOverrides[];
}

async function start(watch = true): Promise<Watched> {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  await Deno.mkdir(`${folder}/lib`);
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("p.ts", plugin("[part, data.n, 1]"));
  await write("lib/part.ts", "export const part: number = 1;");
  await write("data.json", '{"n": 1}');
  const module = `file://${folder}/p.ts`;
  const plugins = (isWatched: boolean) => [{ name: "p", module, watch: isWatched }, { name: "q", module }];
  const server = await TestServer.start({ plugins: plugins(watch) });
  const answer = async (name = "p") => {
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: name }));
    return valueOf(await connection.reply());
  };
  return {
    server,
    plugins,
    write,
    answer,
    rename: async (name, text) => {
      await write(`${name}.new`, text);
      await Deno.rename(`${folder}/${name}.new`, `${folder}/${name}`);
    },
    answers: async (wanted) => {
      const deadline = performance.now() + 20_000;
      while (JSON.stringify(await answer()) !== JSON.stringify(wanted)) {
        if (performance.now() > deadline) throw new Error(`it never answers ${JSON.stringify(wanted)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assertEquals(await answer("q"), [1, 1, 1], "who is not watched keeps its code");
    },
    logged: (text) => server.log.filter((line) => line.includes(text)),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("a watched plugin's code is loaded anew when any of its files changes, written or renamed over", async () => {
  await using watched = await start();
  const { write, rename, answers, server } = watched;
  await answers([1, 1, 1]);
  await write("lib/part.ts", "export const part: number = 2;");
  await answers([2, 1, 1]);
  await rename("data.json", '{"n": 2}');
  await answers([2, 2, 1]);
  await rename("p.ts", plugin("[part, data.n, 2]"));
  await answers([2, 2, 2]);
  // A file that is new to it is watched, too.
  await write("lib/part.ts", 'export { part } from "./other.ts";');
  await server.until("it is missed", () => watched.logged("there is no such file").length > 0);
  assertEquals(await watched.answer(), [2, 2, 2]);
  await write("lib/other.ts", "export const part = 3;");
  await answers([3, 2, 2]);
  assertEquals(server.plugin("p").restarts, 0);
});

Deno.test("broken code is logged once with its place, the old goes on, and mending it by undoing is seen", async () => {
  await using watched = await start();
  const { write, server, logged, answers } = watched;
  await write("lib/part.ts", "export const part: number = ;");
  await server.until("it is logged", () => logged("the reload has failed").length === 1);
  assert(JSON.parse(logged("the reload has failed")[0]!).error.includes("lib/part.ts:1:29: syntax error"));
  assertEquals(await watched.answer(), [1, 1, 1]);
  await write("lib/part.ts", "export const part: number = 4;");
  await answers([4, 1, 1]);
  assertEquals(logged("the reload has failed").length, 1);
});

Deno.test("watch is switched on by a reload, for the workers that run, and a stopping server watches nothing", async () => {
  await using watched = await start(false);
  const { server, write, answers, plugins } = watched;
  assertEquals((await server.reload({ plugins: plugins(true) })).changed, ["plugin p: watch false -> true"]);
  await write("data.json", '{"n": 5}');
  await answers([1, 5, 1]);
  await server.server.stop();
  await write("data.json", '{"n": 6}');
});
