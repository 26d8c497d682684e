import { TestServer } from "./test_server.ts";
import { until } from "./until.ts";

// A server in real time with a plugin on a thread and one in a child process: prints the scheduling policies of its main
// thread, of its plugins' threads and of the child, and the nice value of the thread that goes first; then those of the main
// thread and of that thread after a reload without.

const fields = (stat: string) => stat.slice(stat.lastIndexOf(")") + 2).split(" ");
const policy = (stat: string) => Number(fields(stat)[38]);
const workers = () =>
  [...Deno.readDirSync("/proc/self/task")]
    .map(({ name }) => Deno.readTextFileSync(`/proc/self/task/${name}/stat`))
    .filter((stat) => stat.includes("(worker-"));
const leastNice = () => Math.min(...workers().map((stat) => Number(fields(stat)[16])));
const main = () => policy(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/stat`));

const server = await TestServer.start({
  server: { realtime: true },
  plugins: [{ name: "echo" }, { name: "apart", module: "builtin:echo", biz: 9, isolation: "process" }],
});
const threads = new Set(workers().map(policy));
const children = new Set<number>();
for (const id of Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).trim().split(" ")) {
  for (const { name } of Deno.readDirSync(`/proc/${id}/task`)) {
    const stat = Deno.readTextFileSync(`/proc/${id}/task/${name}/stat`);
    children.add(policy(stat));
  }
}
const before = main();
const warned = server.log.some((line) => line.includes("realtime has no effect"));
if (!warned) await until("the worker goes before those that start", () => leastNice() < 0);
await server.server.reload({
  ...server.server.options.config,
  server: { ...server.server.options.config.server, realtime: false },
});
console.log(
  JSON.stringify({
    before,
    warned,
    threads: [...threads],
    children: [...children],
    after: main(),
    nice: leastNice(),
  }),
);
await server[Symbol.asyncDispose]();
Deno.exit(0);
