// What Deno.serve does with nothing behind it; what HTTP is measured against.
Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => console.log("listens") },
  () => {
    return new Response("Hello, World!");
  },
);
