import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { aliveIn, sessionOf } from "../support/exec_python.ts";
import { HOUSE_CA, HOUSE_SIGNED } from "../support/hook_server.ts";
import { until } from "../support/until.ts";
import { executableTest, Workplace } from "./executable.ts";

const DOUBLE = `import json, os, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    operation = json.loads(line)
    if "cancel" in operation:
        continue
    if operation["params"].get("die"):
        os._exit(3)
    answer = {"id": operation["id"], "result": {"twice": 2 * operation["params"]["n"]}}
    print(json.dumps(answer), flush=True)
`;

executableTest(
  "exec runs operations in a child in Python, and goes on after it has died amid one",
  async () => {
    await using place = await Workplace.make({ "double.py": DOUBLE });
    await place.write(
      "mevent.toml",
      `[[plugin]]
name = "double"
module = "builtin:exec"
permissions = { run = ["python3"] }
[plugin.config]
command = ["python3", "${place.path}/double.py"]
commands = { 1001 = "double" }
`,
    );
    await using server = await place.serve();
    await using client = await server.connect();
    assertEquals((await client.request("double", 1001, { n: 4 })).value, { twice: 8 });
    assertEquals((await client.request("double", 1001, { die: true })).code, 14);
    const after = await client.request("double", 1001, { n: 5 });
    // A sync operation does not wait for the next child.
    assert(after.code === 14 || after.code === 1000, `${after.code}`);
  },
);

executableTest(
  "what exec has started ends with a server that is killed, although its child is a wrapper",
  async () => {
    for (const isolation of ["worker", "process"]) {
      await using place = await Workplace.make({
        "tell.py": `import json, os
print(json.dumps({"ready": True}), flush=True)
operation = json.loads(input())
print(json.dumps({"id": operation["id"], "result": {"pid": os.getpid()}}), flush=True)
while True:
    pass
`,
      });
      await place.write(
        "mevent.toml",
        `[[plugin]]
name = "tell"
module = "builtin:exec"
isolation = "${isolation}"
permissions = { run = ["sh"] }
[plugin.config]
command = ["sh", "-c", "timeout 1000 python3 ${place.path}/tell.py; true"]
commands = { 1001 = "tell" }
`,
      );
      await using server = await place.serve();
      await using client = await server.connect();
      const { value } = await client.request("tell", 1001, {});
      const pid = Number((value as { pid: number }).pid);
      const session = sessionOf(pid)!;
      assert(aliveIn(session).length >= 3);
      server.child.kill("SIGKILL");
      await until("all of it has ended", () => aliveIn(session).length === 0);
    }
  },
);

executableTest("webhook delivers signed requests, and is refused a host that it is not granted", async () => {
  const seen: { body: unknown; signature: string | null }[] = [];
  const over = new AbortController();
  const { signal } = over;
  const hook = Deno.serve({ hostname: "127.0.0.1", port: 0, signal, onListen() {} }, async (request) => {
    seen.push({ body: await request.json(), signature: request.headers.get("webhook-signature") });
    return new Response("taken");
  });
  await using place = await Workplace.make({});
  const { port } = hook.addr;
  const table = (name: string, net: string) =>
    `[[plugin]]
name = "${name}"
module = "builtin:webhook"
permissions = { net = ["${net}"] }
[plugin.config]
secret = "whsec_bWV2ZW50IGV4YW1wbGUgc2VjcmV0"
[plugin.config.endpoints.here]
url = "http://127.0.0.1:${port}/hook"
`;
  await place.write("mevent.toml", table("hooks", `127.0.0.1:${port}`));
  {
    await using server = await place.serve();
    await using client = await server.connect();
    const { code } = await client.request("hooks", 1001, { endpoint: "here", body: { order: 7 } });
    assertEquals(code, 1000);
    assertEquals(seen.map(({ body }) => body), [{ order: 7 }]);
    assert(seen[0]!.signature?.startsWith("v1,"), String(seen[0]!.signature));
  }
  await place.write("mevent.toml", table("hooks", "127.0.0.1:1"));
  {
    const { message } = await assertRejects(() => place.serve(), Error, `127.0.0.1:${port}`);
    assertStringIncludes(message, "permissions = {");
  }
  assertEquals(seen.length, 1);
  over.abort();
  await hook.finished;
});

executableTest("webhook trusts whom the system trusts, and takes no proxy of the environment", async () => {
  const over = new AbortController();
  const { signal } = over;
  const options = { hostname: "127.0.0.1", port: 0, signal, onListen() {}, ...HOUSE_SIGNED };
  const hook = Deno.serve(options, () => new Response("taken"));
  await using place = await Workplace.make({
    "system.pem": HOUSE_CA,
    "own.ts": `export default { name: "own", commands: { 1001: { name: "get", run: async () => {
  const response = await fetch("https://localhost:${hook.addr.port}/", { method: "POST" });
  return { text: await response.text() };
} } } };
`,
  });
  for (const isolation of ["worker", "process"]) {
    await place.write(
      "mevent.toml",
      `[[plugin]]
name = "hooks"
module = "builtin:webhook"
isolation = "${isolation}"
permissions = { net = ["localhost"] }
[plugin.config.endpoints]
here = { url = "https://localhost:${hook.addr.port}/hook" }
[[plugin]]
name = "own"
module = "./own.ts"
permissions = { net = ["localhost"] }
`,
    );
    const dead = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map((name) => `${name}=http://127.0.0.1:9`);
    for (const [file, code] of [["system.pem", 1000], ["none.pem", 14]] as const) {
      await using server = await place.serve("env", `SSL_CERT_FILE=${place.path}/${file}`, ...dead);
      await using client = await server.connect();
      assertEquals(
        (await client.request("hooks", 1001, { endpoint: "here" })).code,
        code,
        `${isolation} ${file}`,
      );
    }
  }
  // A plugin of one's own, which the kernel holds to what it may read, finds them as well: here, and where the system has them.
  for (const [by, code] of [[[`SSL_CERT_FILE=${place.path}/system.pem`], 1000], [[], 14]] as const) {
    await using server = await place.serve("env", ...by);
    await using client = await server.connect();
    const { code: answered, value } = await client.request("own", 1001, {});
    assertEquals(answered, code, JSON.stringify(value));
    if (code === 14) assertStringIncludes(JSON.stringify(value), "UnknownIssuer");
  }
  over.abort();
  await hook.finished;
});

executableTest("sql writes into SQLite with the driver inside", async () => {
  await using place = await Workplace.make({});
  {
    using database = new DatabaseSync(`${place.path}/data.db`);
    database.exec("CREATE TABLE visits (uid INTEGER PRIMARY KEY)");
  }
  await place.write(
    "mevent.toml",
    `[[plugin]]
name = "db"
module = "builtin:sql"
permissions = { read = ["${place.path}"], write = ["${place.path}"] }
[plugin.config]
url = "sqlite:${place.path}/data.db"
tables = ["visits"]
queries = { count = "SELECT count(*) AS count FROM visits" }
`,
  );
  await using server = await place.serve();
  await using client = await server.connect();
  const rows = Array.from({ length: 100 }, (_, uid) => ({ uid }));
  assertEquals((await client.request("db", 1001, { table: "visits", rows })).value, { rows: 100 });
  assertEquals((await client.request("db", 1001, { table: "visits", row: { uid: 7 } })).code, 40);
  const { value } = await client.request("db", 1003, { query: "count" });
  assertEquals((value as { rows: unknown }).rows, [{ count: 100 }]);
});
