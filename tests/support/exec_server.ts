import { TestServer } from "./test_server.ts";

// A server with an exec plugin, its config's keys as JSON in the first argument, its isolation in the second; prints the socket's path and serves until
// it is killed.

const [config = "{}", isolation] = Deno.args;
const permission = {
  net: false,
  read: false,
  write: false,
  env: false,
  sys: false,
  ffi: false,
  import: false,
};
const server = await TestServer.start({
  plugins: [{
    name: "py",
    module: "builtin:exec",
    config: JSON.parse(config),
    isolation: isolation === "process" ? "process" : "worker",
    permissions: { ...permission, run: true },
  }],
});
console.log(server.unix);
