import { serveWithDeno } from "./deno_loop.ts";

// One of several threads that listen on the same port.
self.addEventListener("message", (event) => {
  if (event instanceof MessageEvent) serveWithDeno(Number(event.data), true);
});
