import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { TestServer } from "../support/mevent.ts";
import { PYTHON } from "../support/python.ts";

const DRIVERS = new URL("drivers/", import.meta.url).pathname;
const TOKEN = "mevent-of-real-clients-0123456789abcdefghijklmn";
const LARGE = JSON.stringify({ text: "long ".repeat(200_000) });

/** How each driver is run, and what tells that it can be. */
const CLIENTS: readonly { name: string; command: readonly string[]; version: readonly string[] }[] = [
  { name: "curl", command: ["bash", `${DRIVERS}curl.sh`], version: ["curl", "--version"] },
  { name: "php", command: ["php", `${DRIVERS}php.php`], version: ["php", "--version"] },
  { name: "python", command: [PYTHON, `${DRIVERS}python.py`], version: [PYTHON, "--version"] },
  { name: "ruby", command: ["ruby", `${DRIVERS}ruby.rb`], version: ["ruby", "--version"] },
  { name: "go", command: ["go", "run", `${DRIVERS}go.go`], version: ["go", "version"] },
  { name: "node", command: ["node", `${DRIVERS}node.mjs`], version: ["node", "--version"] },
  { name: "bun", command: ["bun", `${DRIVERS}node.mjs`], version: ["bun", "--version"] },
];

const CONFIG = `
[server]
max_frame = "4 MiB"

[[listener]]
http = "127.0.0.1:0"
auth = "token"

[[token]]
name = "site"
hash = "sha256:${createHash("sha256").update(TOKEN).digest("hex")}"
rights = ["call:*", "enqueue:*"]

[[plugin]]
name = "echo"
module = "builtin:echo"
results = { keep = "1m" }

[[plugin]]
name = "skeleton"
module = "builtin:skeleton"

[[plugin]]
name = "full"
biz = 4
module = "builtin:echo"
queue = { max_bytes = "1 KiB" }
`;

/** A client in another language that asks what it is told to. */
class Driver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #read = "";
  #asked = 0;

  constructor([command = "", ...args]: readonly string[], url: string, readonly folder: string) {
    this.#child = new Deno.Command(command, {
      args: [...args, url],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** @param path with `#async` behind it, to be answered when it is queued */
  async ask(
    method: string,
    path: string,
    body: string | null,
    token: string | null = TOKEN,
  ): Promise<{ status: number; location: string; text: string }> {
    const name = `${this.folder}/${++this.#asked}`;
    if (body !== null) await Deno.writeTextFile(`${name}.in`, body);
    const fields = [method, path, body === null ? "-" : `${name}.in`, token ?? "-", `${name}.out`];
    await this.#input.write(new TextEncoder().encode(`${fields.join("\t")}\n`));
    while (!this.#read.includes("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error("the client has ended");
      this.#read += value;
    }
    const line = this.#read.slice(0, this.#read.indexOf("\n"));
    this.#read = this.#read.slice(line.length + 1);
    const [status = "", location = ""] = line.split("\t");
    return { status: Number(status), location, text: await Deno.readTextFile(`${name}.out`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#output.cancel();
    await this.#child.status;
  }
}

/** What every client is to meet, whatever it is written in. */
async function tellStory(driver: Driver): Promise<void> {
  const params = '{"text":"你好, Grüße","id":9223372036854775807,"price":1.10}';
  const sync = await driver.ask("POST", "/v1/echo/1001", params);
  assertEquals([sync.status, sync.text], [200, params]);
  const queued = await driver.ask("POST", "/v1/echo/1001#async", params);
  assertEquals(queued.status, 202);
  assertMatch(queued.location, /^\/v1\/operations\/./);
  const fetched = await driver.ask("GET", `${queued.location}?wait=10s`, null);
  assertEquals([fetched.status, JSON.parse(fetched.text).state], [200, "done"]);
  assertStringIncludes(fetched.text, params);
  const refusals: readonly [path: string, body: string, status: number, code: number][] = [
    ["/v1/nobody/1001", "{}", 404, 18],
    ["/v1/echo/1003", "{}", 400, 23],
    ["/v1/full/1001", JSON.stringify({ text: "x".repeat(2000) }), 503, 21],
  ];
  for (const [path, body, status, code] of refusals) {
    const refused = await driver.ask("POST", path, body);
    assertEquals([refused.status, JSON.parse(refused.text).code], [status, code], `${path}: ${refused.text}`);
  }
  const large = await driver.ask("POST", "/v1/echo/1001", LARGE);
  assertEquals([large.status, large.text === LARGE], [200, true]);
  for (const token of [`${TOKEN}x`, "wrong", null]) {
    const refused = await driver.ask("POST", "/v1/echo/1001", params, token);
    assertEquals([refused.status, JSON.parse(refused.text).status], [401, 401]);
  }
  assertEquals((await driver.ask("POST", "/v1/echo/1001", params)).status, 200);
}

for (const { name, command, version } of CLIENTS) {
  const isThere = await runs(version);
  Deno.test({
    name: `a client in ${name} calls, queues, fetches a result, and is told its errors${
      isThere ? "" : ` (skipped: there is no ${name} here)`
    }`,
    ignore: !isThere,
    fn: async () => {
      const folder = await Deno.makeTempDir({ prefix: "mevent-clients-" });
      try {
        await using server = await TestServer.start(CONFIG);
        const address = server.server.addresses.find((each) => each.startsWith("http "));
        assert(address !== undefined);
        await using driver = new Driver(command, `http://${address.slice("http ".length)}`, folder);
        await tellStory(driver);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function runs([command = "", ...args]: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
