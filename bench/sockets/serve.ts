import { serveWithDeno } from "./deno_loop.ts";
import { serveWithEpoll } from "./epoll_loop.ts";

// A bare loop that answers frames: serve.ts deno|epoll|workers PORT
const [kind, port] = [Deno.args[0], Number(Deno.args[1])];
if (kind === "deno") await serveWithDeno(port, false);
else if (kind === "epoll") serveWithEpoll(port);
else if (kind === "workers") {
  for (let i = 0; i < 2; i++) {
    new Worker(new URL("./reuse_port_worker.ts", import.meta.url), { type: "module" }).postMessage(port);
  }
} else throw new Error("the first argument is to be deno, epoll or workers");
