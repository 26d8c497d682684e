import { TestServer } from "./test_server.ts";

// A server with a plugin in a child process; prints that process's id and serves until it is killed.

await TestServer.start({ plugins: [{ name: "echo", isolation: "process" }] });
for (const { name } of Deno.readDirSync("/proc")) {
  if (!/^\d+$/.test(name)) continue;
  const parent = Deno.readTextFileSync(`/proc/${name}/stat`).replace(/^.*\) /, "").split(" ")[1];
  if (Number(parent) === Deno.pid) console.log(name);
}
