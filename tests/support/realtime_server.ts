import { TestServer } from "./test_server.ts";

// A server in real time with a plugin on a thread and one in a child process: prints the scheduling policies of its main
// thread, of its plugins' threads and of the child, then those of the main thread after a reload without.

const policy = (stat: string) => Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38]);
const main = () => policy(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/stat`));

const server = await TestServer.start({
  server: { realtime: true },
  plugins: [{ name: "echo" }, { name: "apart", module: "builtin:echo", biz: 9, isolation: "process" }],
});
const threads = new Set<number>();
for (const { name } of Deno.readDirSync("/proc/self/task")) {
  const stat = Deno.readTextFileSync(`/proc/self/task/${name}/stat`);
  if (stat.includes("(worker-")) threads.add(policy(stat));
}
const children = new Set<number>();
for (const id of Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).trim().split(" ")) {
  for (const { name } of Deno.readDirSync(`/proc/${id}/task`)) {
    const stat = Deno.readTextFileSync(`/proc/${id}/task/${name}/stat`);
    children.add(policy(stat));
  }
}
const before = main();
const warned = server.log.some((line) => line.includes("realtime has no effect"));
await server.server.reload({
  ...server.server.options.config,
  server: { ...server.server.options.config.server, realtime: false },
});
console.log(
  JSON.stringify({ before, warned, threads: [...threads], children: [...children], after: main() }),
);
await server[Symbol.asyncDispose]();
Deno.exit(0);
