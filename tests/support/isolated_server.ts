import { TestServer } from "./test_server.ts";

// A server with a plugin in a child process; prints that process's id and serves until it is killed.

await TestServer.start({ plugins: [{ name: "echo", isolation: "process" }] });
for (const { name } of Deno.readDirSync("/proc")) {
  if (/^\d+$/.test(name) && parentOf(name) === Deno.pid) console.log(name);
}

/** The parent of a process; undefined where it has just ended. */
function parentOf(id: string): number | undefined {
  try {
    return Number(Deno.readTextFileSync(`/proc/${id}/stat`).replace(/^.*\) /, "").split(" ")[1]);
  } catch {
    return undefined;
  }
}
