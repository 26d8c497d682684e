import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ManagedServer, ServiceManager } from "../../src/server/service_manager.ts";
import { HAS_PYTHON, PYTHON, PYTHON_NOTE } from "../support/python.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** What a service manager hears at its socket. */
class Ear implements Disposable {
  readonly heard: string[] = [];
  readonly #socket: Deno.DatagramConn;
  readonly path: string;
  readonly #ended: Promise<void>;

  constructor() {
    this.path = `${Deno.makeTempDirSync()}/notify`;
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path: this.path });
    this.#ended = this.#listen();
  }

  get lines(): string[] {
    return this.heard.flatMap((datagram) => datagram.split("\n"));
  }

  async until(line: string | RegExp): Promise<void> {
    const fits = (each: string) => typeof line === "string" ? each === line : line.test(each);
    await until(`${line} is heard`, () => this.lines.some(fits));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#ended;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    Deno.removeSync(this.path.slice(0, this.path.lastIndexOf("/")), { recursive: true });
  }

  async #listen(): Promise<void> {
    for await (const [bytes] of this.#socket) this.heard.push(new TextDecoder().decode(bytes));
  }
}

const LOG = { warn: (message: string) => void assert(false, message) };

Deno.test("a server tells its service manager of its start, its reloads and its stop", async () => {
  await using ear = new Ear();
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/mevent.toml`, '[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n');
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      main,
      "serve",
      "--listen",
      "127.0.0.1:0",
      "--no-udp",
      "--set",
      `control=${folder}/c`,
    ],
    cwd: folder,
    env: { NOTIFY_SOCKET: ear.path, WATCHDOG_USEC: "200000" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await ear.until("READY=1");
    assertEquals(ear.lines.slice(0, 3), ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=30000000", "STATUS=starting"]);
    assertMatch(
      ear.heard.find((each) => each.includes("READY=1"))!,
      /\nSTATUS=running: 1 plugin, 0 operations waiting$/,
    );
    ear.heard.length = 0;
    await until("it lives", () => ear.lines.filter((line) => line === "WATCHDOG=1").length > 3);
    ear.heard.length = 0;
    server.kill("SIGHUP");
    await ear.until("RELOADING=1");
    await ear.until("READY=1");
    assert(ear.lines.indexOf("RELOADING=1") < ear.lines.indexOf("READY=1"));
    ear.heard.length = 0;
    server.kill("SIGTERM");
    await ear.until("STOPPING=1");
    assertEquals((await server.status).code, 0);
    assertEquals(ear.lines.includes("READY=1"), false);
  } finally {
    await server.status;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the watchdog is fed only while the loop turns that serves the sockets", async () => {
  await using ear = new Ear();
  let turns = 0;
  let isStuck = false;
  const server = {
    state: "running" as ManagedServer["state"],
    get turns() {
      return isStuck ? turns : ++turns;
    },
    registry: { plugins: [{ queue: { waiting: 7 } }] },
  };
  using manager = new ServiceManager({ NOTIFY_SOCKET: ear.path, WATCHDOG_USEC: "20000" }, LOG);
  manager.ready(server);
  await ear.until("STATUS=running: 1 plugin, 7 operations waiting");
  await until("it is fed", () => ear.lines.filter((line) => line === "WATCHDOG=1").length > 3);
  isStuck = true;
  // A stuck loop is one state, told of by a status that another state has.
  server.registry.plugins[0]!.queue.waiting = 8;
  await ear.until(/, 8 operations waiting$/);
  ear.heard.length = 0;
  server.registry.plugins[0]!.queue.waiting = 9;
  await ear.until(/, 9 operations waiting$/);
  assertEquals(ear.lines.includes("WATCHDOG=1"), false);
  isStuck = false;
  await ear.until("WATCHDOG=1");
  // While it drains it asks for more time, and a reload that fails then does not make it ready.
  server.state = "draining";
  await ear.until("STOPPING=1");
  ear.heard.length = 0;
  manager.reloading(false);
  await ear.until("EXTEND_TIMEOUT_USEC=30000000");
  assertEquals(ear.lines.includes("READY=1"), false);
});

Deno.test("a server's loop turns whenever somebody asks", async () => {
  await using server = await TestServer.start();
  const before = server.server.turns;
  await until("it has turned", () => server.server.turns > before + 3);
});

Deno.test("without a socket nothing is told, and one that cannot be used is warned of", () => {
  for (
    const NOTIFY_SOCKET of ["/nonexistent/notify", "@nobody-listens-here", "vsock:2:1", `/${"x".repeat(120)}`]
  ) {
    const warned: unknown[] = [];
    using manager = new ServiceManager({ NOTIFY_SOCKET }, {
      warn: (_, fields) => void warned.push(fields?.["reason"]),
    });
    manager.reloading(true);
    assertEquals(warned.length, 1, NOTIFY_SOCKET);
  }
  using quiet = new ServiceManager({}, LOG);
  quiet.stopping();
});

Deno.test({
  name: `a socket may have an abstract name, and a watchdog is another process's${PYTHON_NOTE}`,
  ignore: !HAS_PYTHON,
  fn: async () => {
    const name = `mevent-test-${crypto.randomUUID()}`;
    const script = [
      "import socket, sys",
      "ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
      "ear.bind('\\0' + sys.argv[1])",
      "print('bound', flush=True)",
      "print(ear.recv(4096).decode(), flush=True)",
    ].join("\n");
    const child = new Deno.Command(PYTHON, { args: ["-c", script, name], stdout: "piped" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assertStringIncludes((await reader.read()).value!, "bound");
    {
      using _manager = new ServiceManager({
        NOTIFY_SOCKET: `@${name}`,
        WATCHDOG_USEC: "1000",
        WATCHDOG_PID: "1",
      }, LOG);
    }
    let said = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) said += read.value;
    assertEquals(said.trim(), "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=starting");
    await child.status;
  },
});
