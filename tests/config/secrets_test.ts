import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AdminApi } from "../support/admin_api.ts";
import { mevent } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/mevent.ts";
import { testToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** In every value that is secret. */
const SECRET = "S3CR3T";

/** A plugin whose database is not there: a server with it does not start. */
const STORE = `
[[plugin]]
name = "store"
biz = 5
module = "builtin:sql"
[plugin.permissions]
net = ["127.0.0.1:9"]
[plugin.config]
url = "postgres://user:${SECRET}@127.0.0.1:9/shop"
[plugin.config.statements]
add = "INSERT INTO orders (id) VALUES (:id)"
`;

/** A config in which all that may be secret is. The addresses are such that nobody is there. */
function config(token: { readonly name: string; readonly hash: string }, more = ""): string {
  return `
[server]
http = "127.0.0.1:0"
insecure = true
[[token]]
name = "${token.name}"
hash = "${token.hash}"
rights = ["*"]
[[receiver]]
name = "hook"
webhook = "http://127.0.0.1:9/services/${SECRET}?key=${SECRET}"
headers = { Authorization = "Bearer ${SECRET}" }
timeout = "200ms"
[[receiver]]
name = "note"
command = ["/nowhere/notify", "--token", "${SECRET}"]
[[alert]]
name = "full"
queue = "1%"
for = "0s"
clear = "0s"
[[plugin]]
name = "echo"
biz = 3
module = "builtin:echo"
slow_operation = "1ms"
queue = { max_ops = 10 }
[[plugin]]
name = "hooks"
biz = 4
module = "builtin:webhook"
[plugin.permissions]
net = ["127.0.0.1:9"]
[plugin.config]
timeout = "200ms"
endpoints = { shop = { url = "http://127.0.0.1:9/${SECRET}", secret = "whsec_${
    btoa(`${SECRET}-${SECRET}-${SECRET}`)
  }" } }
${more}
`;
}

Deno.test("no secret of a config is in its report, its check, an error, the log, the stats or an answer", async (t) => {
  const token = testToken("shop", ["*"]);
  const { hash } = token.table as { hash: string };
  const directory = await Deno.makeTempDir({ prefix: "mevent-secrets-" });
  const hidden = [SECRET, btoa(`${SECRET}-${SECRET}-${SECRET}`), token.token];
  const clean = (what: string, text: string) => {
    for (const secret of hidden) assert(!text.includes(secret), `${what} tells a secret: ${text}`);
  };
  const file = async (text: string): Promise<string> => {
    const path = `${directory}/mevent.toml`;
    await Deno.writeTextFile(path, text);
    return path;
  };
  try {
    await t.step("the config's report and its check", async () => {
      const path = await file(config({ name: "shop", hash }, STORE));
      for (const argv of [["config"], ["config", "--json"], ["check"], ["check", "--json"]]) {
        const { stdout, stderr } = await mevent([...argv, "--config", path, "--set", "control=none"]);
        assertStringIncludes(stdout, "mevent.toml");
        clean(argv.join(" "), stdout + stderr);
      }
      const { code, stderr } = await mevent([
        "serve",
        "--config",
        path,
        "--set",
        "control=none",
        "--no-tcp",
        "--no-udp",
      ]);
      assertEquals(code, 78);
      assertStringIncludes(stderr, "postgres://user@127.0.0.1:9/shop");
      clean("serve", stderr);
      const shown = await mevent(["config", "--secrets", "--config", path]);
      assertStringIncludes(shown.stdout, `/services/${SECRET}`);
    });

    await t.step("errors of what is wrong at a secret's place", async () => {
      const wrong = [
        `[[receiver]]\nname = "a"\nwebhook = "ftp://x/${SECRET}"`,
        `[[receiver]]\nname = "a"\nwebhook = "http://u:${SECRET}@x/"`,
        `[[receiver]]\nname = "a"\nwebhook = ["${SECRET}"]`,
        `[[receiver]]\nname = "a"\nwebhook = "http://x/"\nheaders = { "X-Key" = "${SECRET}\\n" }`,
        `[[receiver]]\nname = "a"\ncommand = "notify ${SECRET}"`,
        `[[token]]\nname = "b"\nhash = "${token.token}"\nrights = ["*"]`,
      ];
      for (const more of wrong) {
        const path = await file(config({ name: "shop", hash }, more));
        const { code, stdout, stderr } = await mevent(["check", "--json", "--config", path]);
        assertEquals(code, 78, more);
        clean(more, stdout + stderr);
        const served = await mevent(["serve", "--config", path]);
        assertEquals(served.code, 78, more);
        clean(more, served.stdout + served.stderr);
      }
    });

    await t.step("the log, the stats and every answer of a server that uses them all", async () => {
      await using server = await TestServer.start(config({ name: "shop", hash }));
      const { log } = server.server.options;
      log.levels.configure("debug");
      const address = server.server.addresses.find((each) => each.startsWith("http"))!;
      const api = new AdminApi(`http://${address.split(" ")[1]}`);
      const control = ["--control", server.controlPath];
      const send = async (biz: string, cmd: string, ...params: string[]) =>
        await mevent(["send", "--biz", biz, "--cmd", cmd, "--port", String(server.tcpPort), ...params]);
      const told: string[] = [];
      const say = ({ stdout, stderr }: { stdout: string; stderr: string }) => told.push(stdout, stderr);
      say(await mevent(["pause", "echo", ...control]));
      const one = streamRequest({ id: 1, sync: false });
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.tcpPort });
      await connection.write(one);
      await connection.read(new Uint8Array(1024));
      connection.close();
      say(await send("hooks", "1001", "endpoint=shop", "body=x"));
      say(await send("hooks", "1001", "endpoint=nobody", "body=x"));
      say(await mevent(["alert", "test", ...control]));
      await until(
        "an alert was tried",
        () => log.ring.find(ALL).lines.some(({ message }) => message.includes("alert: a message")),
      );
      say(await mevent(["alert", "list", ...control]));
      say(await mevent(["stats", "--json", "--port", String(server.tcpPort)]));
      say(await mevent(["log", ...control]));
      say(await mevent(["peek", "echo", ...control]));
      for (
        const path of ["stats", "log", "alerts", "audit", "me", "history", "plugins/hooks"]
      ) {
        told.push(await (await api.get(`/api/v1/${path}`)).text());
      }
      told.push(await (await api.get("/metrics")).text());
      for (const line of log.ring.find(ALL).lines) told.push(JSON.stringify(line));
      assert(told.length > 20);
      for (const text of told) clean("what is told", text);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

const ALL = { after: 0, level: "debug", plugin: null, text: "", limit: 1000, maySee: () => true } as const;
