import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AdminApi } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { mevent } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** What somebody who has it could send to. */
const SECRET = "T0PS3CR3T";

interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** An HTTP server that keeps what it is sent; `status` is what it answers. */
class HttpReceiver implements AsyncDisposable {
  readonly got: Received[] = [];
  status = 200;
  /** Requests wait for it, where it is set; it ends with this. */
  held: PromiseWithResolvers<void> | null = null;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const body = await request.json();
      this.got.push({ path: new URL(request.url).pathname, headers: request.headers, body });
      await this.held?.promise;
      return new Response(`said ${this.status}`, {
        status: this.status,
        headers: { location: "/elsewhere" },
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/services/${SECRET}`;
  }

  events(alert: string): unknown[] {
    return this.got.filter(({ body }) => body["alert"] === alert).map(({ body }) => body["event"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.held?.resolve();
    await this.#server.shutdown();
  }
}

/** A command that appends what it is told to a file, and fails while there is another one. */
async function noteCommand(
  directory: string,
): Promise<{ command: string[]; notes: () => Promise<string[]> }> {
  const [script, file] = [`${directory}/note.sh`, `${directory}/notes`];
  await Deno.writeTextFile(
    script,
    `#!/bin/sh
test -e ${directory}/broken && { echo "no way out" >&2; exit 3; }
echo "$MEVENT_ALERT_EVENT $MEVENT_ALERT_NAME $MEVENT_ALERT_SUBJECT $# \${MEVENT_TEST_SECRET:-none} $(cat)" >> ${file}
`,
    { mode: 0o755 },
  );
  const notes = async () => {
    try {
      return (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "");
    } catch {
      return [];
    }
  };
  return { command: [script, SECRET], notes };
}

const QUICK = { for: "0s", clear: "0s" };

Deno.test("alerts reach a real HTTP receiver and a real command, once each, and tell no secret", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-alerts-" });
  await using http = new HttpReceiver();
  const { command, notes } = await noteCommand(directory);
  const receiver = [
    { name: "hook", webhook: http.url, headers: { Authorization: `Bearer ${SECRET}` } },
    { name: "chat", webhook: http.url, format: "slack" },
    { name: "note", command, timeout: "5s" },
  ];
  const alert = [
    { name: "full", plugin: "echo", queue: "50%", to: ["hook", "note"], ...QUICK },
    { name: "busy", busy: 1, window: "1s", to: "chat", ...QUICK },
  ];
  const options = (file: Record<string, unknown>): TestServerOptions => ({
    control: true,
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "echo", biz: 3, queue: { maxOps: 10, maxBytes: 1e6 } }],
    file,
  });
  // The environment's proxy is none of the alerts' business, and would not answer.
  Deno.env.set("HTTP_PROXY", "http://127.0.0.1:9");
  Deno.env.set("MEVENT_TEST_SECRET", SECRET);
  try {
    await using server = await TestServer.start(options({ receiver, alert }));
    Deno.env.delete("HTTP_PROXY");
    using connection = await server.connect();
    const api = new AdminApi(server.httpUrl);
    const description = await Description.of(server.httpUrl);
    const cli = (...argv: string[]) => mevent(["alert", ...argv, "--control", server.controlPath]);
    const fill = async (count: number) => {
      server.server.registry.named("echo")!.pause();
      const requests = Array.from({ length: count }, (_, id) => streamRequest({ id, sync: false }));
      await connection.send(...requests);
      await connection.replies(count);
    };
    const empty = () => server.server.registry.named("echo")!.purge();

    await t.step("what fires is told to its receivers, in their forms, and so is its end", async () => {
      await fill(8);
      await until(
        "it has fired",
        async () => http.events("full").length === 1 && (await notes()).length === 1,
      );
      empty();
      await until("it is over", async () => http.events("full").length === 2 && (await notes()).length === 2);
      assertEquals(http.events("full"), ["firing", "resolved"]);
      const [{ path, headers, body }] = http.got as [Received];
      assertEquals([path, headers.get("authorization")], [`/services/${SECRET}`, `Bearer ${SECRET}`]);
      assertEquals([headers.get("content-type"), headers.get("idempotency-key")], [
        "application/json",
        body["id"],
      ]);
      assertEquals([body["kind"], body["subject"], body["value"]], ["queue", "echo", 0.8]);
      assertEquals(body["message"], "its queue is 80% full: 8 operations of 10");
      assertEquals(body["server"], Deno.hostname());
      const [fired, resolved] = await notes();
      assertMatch(fired!, /^firing full echo 1 none \{"id":".*its queue is 80% full/);
      assertMatch(resolved!, /^resolved full echo 1 none \{"id":/);
    });

    await t.step("Slack's form is a text; BUSY fires when it was seen", async () => {
      await fill(12);
      await until("BUSY is told", () => http.got.some(({ body }) => "text" in body));
      empty();
      await until("and that it is over", () => http.got.filter(({ body }) => "text" in body).length === 2);
      const texts = http.got.flatMap(({ body }) => "text" in body ? [String(body["text"])] : []);
      assertMatch(texts[0]!, /firing: \*echo\*: 2 operations in 1s were refused as BUSY\nbusy, on /);
      assertMatch(texts[1]!, /resolved: \*echo\*/);
      await until("the other is over, too", () => http.events("full").length === 4);
    });

    await t.step("the state of rules and receivers is told, by HTTP and mevent alert list", async () => {
      const told = JSON.parse(
        await description.check("/api/v1/alerts", "GET", await api.get("/api/v1/alerts")),
      );
      assertEquals(told.rules.map(({ name, subject, state }: never) => [name, subject, state]), [
        ["full", "echo", "ok"],
        ["busy", "echo", "ok"],
      ]);
      const port = new URL(http.url).host;
      assertEquals(told.receivers.map(({ name, to, sent, problem }: never) => [name, to, sent, problem]), [
        ["hook", `webhook ${port}`, 4, null],
        ["chat", `webhook ${port}`, 2, null],
        ["note", "command note.sh", 4, null],
      ]);
      const { code, stdout } = await cli("list");
      assertEquals(code, 0);
      assertMatch(stdout, /^full +echo +ok +its queue is 0% full/m);
      assertMatch(stdout, /^note +command note.sh +4 +0 +0/m);
    });

    await t.step("a test goes to each receiver, and its outcome is told", async () => {
      const before = http.got.length;
      const dry = await api.change("/api/v1/alerts/test", { dry_run: true });
      assertEquals([(dry["tests"] as unknown[]).length, http.got.length - before], [3, 0]);
      const path = "/api/v1/alerts/test";
      const tested = JSON.parse(
        await description.check(path, "POST", await api.post(path, { receiver: "chat" })),
      );
      assertEquals(tested.tests.map(({ receiver, problem }: never) => [receiver, problem]), [["chat", null]]);
      assertEquals(http.got.length - before, 1);
      http.status = 302;
      await Deno.writeTextFile(`${directory}/broken`, "");
      const { code, stdout } = await cli("test");
      assertEquals(code, 1);
      assertMatch(
        stdout,
        /^hook .* has not got it: 127.0.0.1:\d+ answered with status 302; redirects are not followed$/m,
      );
      assertMatch(
        stdout,
        /^note \(command note.sh\) has not got it: command note.sh failed with exit code 3: no way out$/m,
      );
      await Deno.remove(`${directory}/broken`);
      http.status = 200;
      assertEquals((await cli("test", "note")).code, 0);
      const unknown = await cli("test", "nobody");
      assertEquals([unknown.code, unknown.stdout], [1, ""]);
      assertStringIncludes(unknown.stderr, 'there is no receiver "nobody"; there is hook, chat, note');
    });

    await t.step("a receiver that fails for a while gets its messages in order, each once", async () => {
      const before = http.events("full").length;
      http.status = 503;
      await fill(8);
      await until("it was tried", () => http.events("full").length > before);
      http.status = 200;
      empty();
      await until("it has both", () => {
        const ok = http.got.filter(({ body }) => body["alert"] === "full").slice(before);
        return ok.at(-1)?.body["event"] === "resolved";
      });
      const tries = http.got.filter(({ body }) => body["alert"] === "full").slice(before);
      const ids = tries.map(({ body }) => `${body["event"]} ${body["id"]}`);
      assertEquals(new Set(ids).size, 2, "an attempt more has the message's id");
      assertEquals(tries.at(-1)!.body["event"], "resolved");
    });

    await t.step("a reload fires nothing again, and says what has changed without a secret", async () => {
      await fill(8);
      await until("it has fired", () => http.events("full").at(-1) === "firing");
      const fired = http.events("full").length;
      const { changed } = await server.reload(options({
        receiver: [{ ...receiver[0], headers: { Authorization: `Basic ${SECRET}` } }, receiver[2]],
        alert: [{ ...alert[0], queue: "60%" }],
      }));
      assertEquals(changed, [
        "alert full changed",
        "alert busy removed",
        "receiver hook changed",
        "receiver chat removed",
      ]);
      empty();
      await until("it is over", () => http.events("full").at(-1) === "resolved");
      assertEquals(http.events("full").length, fired + 1);
    });

    await t.step("nothing that is told has a secret in it", async () => {
      const told = [
        ...server.log,
        JSON.stringify(server.stats()),
        JSON.stringify(await api.read("/api/v1/alerts")),
        JSON.stringify(await api.read("/api/v1/audit")),
        JSON.stringify(await api.read("/api/v1/log")),
        (await cli("list")).stdout,
        await (await api.get("/metrics")).text(),
      ];
      assertEquals(told.filter((text) => text.includes(SECRET)), []);
    });
  } finally {
    Deno.env.delete("HTTP_PROXY");
    Deno.env.delete("MEVENT_TEST_SECRET");
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("receivers that take too long, are not there or cannot be run are told of, and hold nobody up", async () => {
  await using http = new HttpReceiver();
  http.held = Promise.withResolvers();
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  await using server = await TestServer.start({
    control: true,
    file: {
      receiver: [
        { name: "slow", webhook: http.url, timeout: "50ms" },
        { name: "gone", webhook: `http://127.0.0.1:${port}/${SECRET}` },
        { name: "sleeps", command: ["/bin/sh", "-c", "sleep 60"], timeout: "50ms" },
        {
          name: "floods",
          command: ["/bin/sh", "-c", "yes x | tr -d '\\n' | head -c 3000000 >&2; exit 1"],
        },
        { name: "deaf", command: ["/bin/true"] },
        { name: "none", command: [`/nowhere/${"program"}`, SECRET] },
      ],
    },
  });
  using control = await server.control();
  const { result } = await control.ask({ command: "alert-test" });
  const { tests } = result as { tests: { receiver: string; problem: string | null }[] };
  const problems = new Map(tests.map(({ receiver, problem }) => [receiver, problem]));
  assertMatch(
    problems.get("slow") ?? "",
    /^127.0.0.1:\d+ cannot be reached: it did not answer within 50 ms$/,
  );
  assertMatch(problems.get("gone") ?? "", /^127.0.0.1:\d+ cannot be reached: .*refused/);
  assertEquals(problems.get("sleeps"), "command sh did not end within 50 ms");
  assertMatch(problems.get("floods") ?? "", /^command sh failed with exit code 1: x{200,400}$/);
  assertEquals(problems.get("deaf"), null);
  assertMatch(problems.get("none") ?? "", /^command program cannot be run: there is no such file/);
  assert(![...problems.values(), ...server.log].some((text) => text?.includes(SECRET)), "a secret is told");
});
