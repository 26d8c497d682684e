import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildPackage } from "../../clients/npm/build.ts";
import { TestCertificates } from "../support/certificates.ts";
import { CuttingProxy } from "../support/cutting_proxy.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const PLUGIN = new URL("../support/orders_plugin.ts", import.meta.url);
const ORDERS = {
  name: "orders",
  module: PLUGIN.href,
  results: { keep: 60_000, maxOps: 100, maxBytes: 1 << 20 },
};
const COMPILER = "typescript@5.9.3";

/** A program of somebody who has installed the package; TypeScript is to refuse nothing else than what it says. */
const PROGRAM = `
import {
  ApplicationError, AuthError, BadParamError, Client, ConnectError, ConnectionLostError, TimeoutError, UnknownError,
} from "mevent-client";
import type orders from "./orders_plugin.ts";

declare const process: { readonly argv: readonly string[] };
const { tcp, unix, udp, cut, dead, tls, ca, cert, key, token } = JSON.parse(process.argv[2] ?? "");
const timeoutMs = 60_000;

async function error(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error;
  }
}

function same(what: string, is: boolean): void {
  if (!is) throw new Error(what);
}

for (const servers of [tcp, unix, udp]) {
  for (const encoding of ["json", "hdf"] as const) {
    const client = new Client<typeof orders>("orders", { servers, encoding, timeoutMs, padTo: 1200 });
    const { order, note }: { order: string; note: string } = await client.call(1001, { uid: 7, note: "你好" });
    same("sync over " + servers, order === "order-7" && note === "你好");
    const { twice }: { twice: number } = await client.call(1003, { n: 4 });
    same("a batch", twice === 8);
    await client.enqueue(1006);
    const id = await client.submit(1001, { uid: 9 });
    same("an id", id !== undefined);
    const { state } = await client.operation(id ?? "", { waitMs: 10_000 });
    same("a result that is fetched: " + state, state === "done");
    await client.close();
  }
}

const client = new Client<typeof orders>("orders", { servers: tcp, connections: 3, timeoutMs, maxFrame: 1 << 20 });
// @ts-expect-error uid is a number
same("a wrong param", await error(() => client.call(1001, { uid: "7" })) instanceof BadParamError);
// @ts-expect-error there is no such command
same("an unknown command", await error(() => client.call(1999, {})) instanceof UnknownError);
// @ts-expect-error it returns nothing of that name
void (async () => (await client.call(1004, { ms: 0 })).nothing);
same("an error of its own", await error(() => client.call(1002, { code: 40 })) instanceof ApplicationError);
const params = { most: 2n ** 63n - 1n, text: "x".repeat(900_000), start: "\\0" + "0" };
const back = await client.call(1007, params);
same("2^63-1, and a large body", back.most === params.most && back.text === params.text && back.start === params.start);
same("a time-out", await error(() => client.call(1004, { ms: 500 }, { timeoutMs: 20 })) instanceof TimeoutError);
const signal = AbortSignal.timeout(20);
same("an abort", await error(() => client.call(1004, { ms: 500 }, { signal })) === signal.reason);
const many = await Promise.all(Array.from({ length: 1000 }, (_, n) => client.call(1003, { n })));
same("many at once", many.every(({ twice }, n) => twice === 2 * n));
await client.close();
same("a client that is closed", await error(() => client.call(1006)) instanceof ConnectionLostError);

const cutOff = new Client<typeof orders>("orders", { servers: cut, timeoutMs, minBackoffMs: 1 });
await cutOff.call(1006);
same("a connection that is cut", await error(() => cutOff.call(1007, { cut: "me" })) instanceof ConnectionLostError);
same("another connection", (await cutOff.call(1007, { n: 1 })).n === 1);
await cutOff.close();

const several = new Client<typeof orders>("orders", { servers: [dead, tcp], timeoutMs });
for (let n = 0; n < 20; n++) await several.call(1006, {}, { key: "key" + n });
await several.close();
const nobody = new Client<typeof orders>("orders", { servers: dead, timeoutMs: 100 });
same("nobody there", await error(() => nobody.call(1006)) instanceof ConnectError);
await nobody.close();

const safe = new Client<typeof orders>("orders", { servers: tls, timeoutMs, tls: { ca, cert, key }, token });
same("TLS and a token", (await safe.call(1001, { uid: 1 })).order === "order-1");
await safe.close();
const stranger = new Client("orders", { servers: tls, timeoutMs, tls: { ca, cert, key }, token: "wrong" });
same("a wrong token", await error(() => stranger.call(1006)) instanceof AuthError);
await stranger.close();
const distrustful = new Client("orders", { servers: tls, timeoutMs: 300, tls: { cert, key }, token });
const distrust = await error(() => distrustful.call(1006));
same("a certificate of nobody: " + distrust, distrust instanceof ConnectError && /certificate/.test(distrust.message));
await distrustful.close();

const named = new Client<typeof orders>("orders", { servers: tls.replace("localhost", "127.0.0.1"), timeoutMs, tls: { ca, cert, key, serverName: "localhost" }, token });
same("another name", (await named.call(1001, { uid: 1 })).order === "order-1");
await named.close();
const misnamed = new Client("orders", { servers: tls, timeoutMs: 300, tls: { ca, cert, key, serverName: "other.example" }, token });
same("a name of another", await error(() => misnamed.call(1006)) instanceof ConnectError);
await misnamed.close();
console.log("all is well");
`;

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    lib: ["es2022", "dom"],
    types: [],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    rewriteRelativeImportExtensions: true,
  },
  files: ["program.ts"],
};

Deno.test({
  name: "the package for Node and Bun is installed, its types hold what they say, and a program runs with it",
  ignore: !hasCommand("node") || !hasCommand("npm"),
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "mevent-npm-" });
    try {
      await t.step("it is built, packed and installed, and depends on nothing", async () => {
        await buildPackage(`${folder}/package`);
        const tarball = (await run(folder, "npm", "pack", "--silent", "./package")).trim();
        await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module", "private": true }');
        await run(folder, "npm", "install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
        const installed = [...Deno.readDirSync(`${folder}/node_modules`)].map(({ name }) => name);
        assertEquals(installed.filter((name) => !name.startsWith(".")), ["mevent-client"]);
      });
      await t.step("TypeScript takes a program that uses it, and refuses what it is to refuse", async () => {
        const plugin = await Deno.readTextFile(PLUGIN);
        await Deno.writeTextFile(
          `${folder}/orders_plugin.ts`,
          plugin.replace('"mevent/plugin"', '"mevent-client/plugin"'),
        );
        await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
        await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(TSCONFIG));
        await run(folder, "npx", "--yes", "--package", COMPILER, "--", "tsc", "--project", "tsconfig.json");
      });
      await using servers = await Servers.start();
      for (const runtime of ["node", "bun"]) {
        await t.step({
          name: `the program runs under ${runtime}`,
          // .ci/run installs it.
          ignore: !hasCommand(runtime),
          async fn() {
            assertStringIncludes(
              await run(folder, runtime, "program.js", JSON.stringify(servers.told)),
              "all is well",
            );
          },
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** What the program talks to. */
class Servers implements AsyncDisposable {
  private constructor(
    readonly parts: AsyncDisposableStack,
    readonly told: Readonly<Record<string, string>>,
  ) {}

  static async start(): Promise<Servers> {
    await using parts = new AsyncDisposableStack();
    const certificates = parts.use(await TestCertificates.make());
    const server = await certificates.server();
    const own = await certificates.client({ subject: "/CN=shop" });
    const shop = testToken("shop", ["call:orders"]);
    const plain = parts.use(
      await TestServer.start({ plugins: [ORDERS], server: { max_frame: "1 MiB" } }),
    );
    const safe = parts.use(
      await TestServer.start({
        plugins: [ORDERS],
        server: { udp: "", auth: "token", tls: { ...server, client_ca: certificates.ca } },
        file: { token: [shop.table] },
      }),
    );
    const proxy = parts.use(
      new CuttingProxy(plain.tcp.port, (piece) => piece.includes('"cut"') ? "before" : undefined),
    );
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const dead = free.addr.port;
    free.close();
    const told = {
      tcp: `tcp://localhost:${plain.tcp.port}`,
      unix: `unix://${plain.unix}`,
      udp: `udp://127.0.0.1:${plain.udp.port}`,
      cut: `tcp://127.0.0.1:${proxy.port}`,
      dead: `tcp://127.0.0.1:${dead}`,
      tls: `tls://localhost:${safe.tcp.port}`,
      ca: await Deno.readTextFile(certificates.ca),
      cert: await Deno.readTextFile(own.cert),
      key: await Deno.readTextFile(own.key),
      token: shop.token,
    };
    return new Servers(parts.move(), told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.disposeAsync();
  }
}

/** Runs a program and returns what it writes; throws with that where it fails. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd, stdin: "null" }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`${command} ${args[0]}: ${out}${err}`);
  return out ?? "";
}

function hasCommand(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
