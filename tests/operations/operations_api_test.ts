import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { FailureGroup, OperationRow } from "../../src/operations/told.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { MOODY_PLUGIN } from "../support/moody_plugin.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const RETRY = { maxAttempts: 3, backoff: 1, maxBackoff: 2 };

Deno.test("operations are looked at, looked for and changed over HTTP", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [
      { name: "echo", biz: 3, concurrency: 1, maxDelay: 3_600_000 },
      {
        name: "moody",
        source: MOODY_PLUGIN,
        retry: RETRY,
        results: { keep: 60_000, maxOps: 1000, maxBytes: 1e6 },
      },
    ],
  });
  const api = new AdminApi(server.httpUrl);
  const description = await Description.of(server.httpUrl);
  using connection = await server.connect();
  const seen = async (path: string, method: "GET" | "POST", response: Response): Promise<JsonObject> => {
    assertEquals(response.status, 200, await response.clone().text());
    return JSON.parse(await description.check(path, method, response));
  };
  const list = async (plugin: string, query = ""): Promise<OperationRow[]> => {
    const path = `/api/v1/plugins/${plugin}/operations${query}`;
    const { operations } = await seen("/api/v1/plugins/{plugin}/operations", "GET", await api.get(path));
    return operations as unknown as OperationRow[];
  };
  const details = async (id: string) =>
    await seen("/api/v1/operations/{id}", "GET", await api.get(`/api/v1/operations/${id}`));
  const enqueue = async (plugin: string, command: number, params: JsonObject): Promise<string> => {
    const url = `${server.httpUrl}/v1/${plugin}/${command}?async`;
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(params) });
    return String((await answerOf(response, 202))["id"]);
  };

  await t.step(
    "what waits is listed in its order, page by page, and found by what is in its params",
    async () => {
      await api.change("/api/v1/plugins/echo/pause");
      const ids: string[] = [];
      for (let index = 0; index < 25; index++) {
        ids.push(
          await enqueue("echo", 1001, { uid: index, big: "9".repeat(20) }),
        );
      }
      await connection.send(streamRequest({ plugin: "echo", params: { "mevent.delay": 3000 }, sync: false }));
      await connection.reply();
      const rows: OperationRow[] = [];
      let after = "";
      do {
        const path = `/api/v1/plugins/echo/operations?limit=10&after=${after}`;
        const answer = await seen("/api/v1/plugins/{plugin}/operations", "GET", await api.get(path));
        rows.push(...answer["operations"] as unknown as OperationRow[]);
        after = String(answer["next"] ?? "");
      } while (after !== "");
      assertEquals(rows.filter(({ state }) => state === "queued").map(({ id }) => id), ids);
      assertEquals(rows.filter(({ state }) => state === "delayed").length, 1);
      assertEquals((await list("echo", "?text=%22UID%22%3A7,")).map(({ id }) => id), [ids[7]]);
      assertEquals((await list("echo", "?state=delayed,retrying")).length, 1);
      assertEquals((await list("echo", "?command=1002")).length, 0);
      assertEquals((await list("echo", "?older_ms=3600000")).length, 0);
      const [row] = await list("echo", "?limit=1");
      assertEquals([row?.params, row?.command_name, row?.sync], [
        `{"uid":0,"big":"${"9".repeat(20)}"}`,
        "echo",
        false,
      ]);
    },
  );

  await t.step("a wrong filter is refused with what is wrong", async () => {
    const cases: [query: string, status: number, detail: string][] = [
      ["?state=lost", 400, "state: expected running, queued"],
      ["?limit=0", 400, "limit: expected a whole number from 1 to 1000"],
      ["?after=nowhere", 400, "after is none of the texts"],
      ["?command=x", 400, "command: expected"],
      [`?text=${"x".repeat(201)}`, 400, "200 characters at most"],
    ];
    for (const [query, status, detail] of cases) {
      const problem = await answerOf(await api.get(`/api/v1/plugins/echo/operations${query}`), status);
      assertStringIncludes(String(problem["detail"]), detail);
    }
    await answerOf(await api.get("/api/v1/plugins/nobody/operations"), 404);
    await answerOf(await api.get("/api/v1/operations/none"), 400);
    await answerOf(await api.get("/api/v1/operations/0123456789ab-3k-1"), 404);
  });

  await t.step("one is cancelled with the generation that it was seen with, and with no other", async () => {
    const [row] = await list("echo", "?limit=1");
    assert(row !== undefined);
    const path = `/api/v1/operations/${row.id}/cancel`;
    const wrong = await answerOf(await api.post(path, { generation: "running-0" }), 409);
    assertStringIncludes(String(wrong["detail"]), "it was running-0 and is queued-0");
    await answerOf(await api.post(path), 400);
    const dry = await api.change(path, { generation: row.generation, dry_run: true });
    assertEquals(dry, { id: row.id, plugin: "echo", outcome: "cancelled", dry_run: true });
    assertEquals((await list("echo", "?limit=1"))[0]?.id, row.id);
    await seen(
      "/api/v1/operations/{id}/cancel",
      "POST",
      await api.post(path, { generation: row.generation }),
    );
    assert((await list("echo", "?limit=1"))[0]?.id !== row.id);
    await answerOf(await api.post(path, { generation: row.generation }), 404);
    const entry = server.server.audit.after(0, 1000).findLast(({ outcome }) => outcome === "done")!;
    assertEquals([entry.action, entry.plugin, entry.details["id"]], ["cancel-operation", "echo", row.id]);
  });

  await t.step("one that has begun meanwhile is not cancelled; seen as it runs, it is", async () => {
    const id = await enqueue("moody", 1002, {});
    await server.until("it runs", () => server.plugin("moody").in_flight === 1);
    let found = await details(id);
    for (let tries = 0; found["state"] !== "running" && tries < 1000; tries++) found = await details(id);
    assertEquals([found["state"], found["can"]], ["running", ["cancel", "send"]]);
    const path = `/api/v1/operations/${id}/cancel`;
    await answerOf(await api.post(path, { generation: "queued-0" }), 409);
    assertEquals(
      (await api.change(path, { generation: String(found["generation"]) }))["outcome"],
      "cancelling",
    );
    await server.until("it has ended", () => server.plugin("moody").cancelled === 1);
    const ended = await details(id);
    assertEquals([ended["state"], ended["full_params"]], ["cancelled", null]);
    assertEquals((await list("moody", "?state=cancelled")).map((row) => row.id), [id]);
  });

  await t.step(
    "one that has failed for good tells its attempts, its params with their digits, and its error",
    async () => {
      const url = `${server.httpUrl}/v1/moody/1001?async`;
      const body = '{"order":"A-17","amount":12345678901234567890.125}';
      const headers = { "content-type": "application/json" };
      const { id } = await answerOf(await fetch(url, { method: "POST", headers, body }), 202);
      await server.until("it is dead", () => server.plugin("moody").dead === 1);
      const text = await (await api.get(`/api/v1/operations/${id}`)).text();
      assertStringIncludes(text, '"full_params":{"order":"A-17","amount":12345678901234567890.125}');
      const found = JSON.parse(text);
      assertEquals([found.state, found.attempts, found.code, found.can], ["dead", 3, 30, ["retry", "send"]]);
      assertEquals(found.error, 'order "A-17" of user 4711 is gone');
      const kinds = found.timeline.map(({ kind, attempt }: { kind: string; attempt: number }) =>
        `${kind} ${attempt}`
      );
      assertEquals(kinds, ["accepted null", "failed 1", "waiting 2", "failed 2", "waiting 3", "dead 3"]);
      const times = found.timeline.map(({ at }: { at: number }) => at);
      assertEquals(times, [...times].sort((a, b) => a - b));
      assert(Math.abs(times[0] - Date.now()) < 60_000);
      assertEquals(
        found.log.filter(({ message }: { message: string }) => message.includes("tried again")).length,
        2,
      );
    },
  );

  await t.step(
    "a dead letter is retried once, and has another generation when it is dead again",
    async () => {
      const [row] = await list("moody", "?state=dead");
      assert(row !== undefined);
      const path = `/api/v1/operations/${row.id}/retry`;
      await answerOf(await api.post(path, { generation: `${row.generation}0` }), 409);
      await seen(
        "/api/v1/operations/{id}/retry",
        "POST",
        await api.post(path, { generation: row.generation }),
      );
      // It is another operation now.
      await answerOf(await api.post(path, { generation: row.generation }), 409);
      const { retried_as } = await details(row.id);
      await server.until("it is dead again", () => server.plugin("moody").dead === 1);
      assertEquals((await list("moody", "?state=dead")).map(({ id }) => id), [String(retried_as)]);
    },
  );

  await t.step(
    "one is sent again with other params; what came of it is told, its params are in no audit log",
    async () => {
      const path = "/api/v1/plugins/moody/send";
      const sent = { command: 1003, params: { a: 41, secret: "hush" }, sync: true, instead_of: "x" };
      const done = await seen("/api/v1/plugins/{plugin}/send", "POST", await api.post(path, sent));
      assertEquals([done["code"], done["result"], done["id"]], [1000, { sum: 42 }, null]);
      const queued = await api.change(path, { command: 1003, params: { a: 1 } });
      assertMatch(String(queued["id"]), /^[0-9a-f]{12}-/);
      await server.until("it is done", () => server.plugin("moody").done === 2);
      const found = await details(String(queued["id"]));
      assertEquals([found["state"], found["result"]], ["done", { sum: 2 }]);
      const wrong = await api.change(path, { command: 1003, params: {}, sync: true });
      assertEquals(wrong["code"], 23);
      await answerOf(await api.post(path, { command: 1004 }), 404);
      await answerOf(await api.post(path, { command: 3 }), 400);
      await answerOf(await api.post(path, { command: 1003, params: [] }), 400);
      const entries = server.server.audit.after(0, 1000).filter(({ action }) => action === "send");
      assert(entries.length >= 3);
      assert(!JSON.stringify(entries).includes("hush") && !JSON.stringify(entries).includes('"sum"'));
    },
  );

  await t.step("failures are grouped by their causes; all that match are retried or dropped", async () => {
    for (const code of [30, 30, 30, 31]) {
      await enqueue("moody", 1001, { order: `B-${code}${Math.random()}`, code });
    }
    await server.until("they are dead", () => server.plugin("moody").dead === 5);
    const answer = await seen("/api/v1/failures", "GET", await api.get("/api/v1/failures"));
    const groups = answer["groups"] as unknown as FailureGroup[];
    assertEquals(groups.map(({ code, count }) => `${code} ${count}`).sort(), ["30 4", "31 1"]);
    const [thirty] = groups.filter(({ code }) => code === 30);
    assertEquals(thirty?.message, 'order "…" of user # is gone');
    assertEquals(thirty?.versions.length, 1);
    assertMatch(thirty?.versions[0] ?? "", /^[0-9a-f]{16}$/);
    const one = await api.read(`/api/v1/failures?fingerprint=${thirty?.fingerprint}`);
    assertEquals((one["groups"] as JsonObject[]).length, 1);
    assertEquals(await api.read("/api/v1/failures?plugin=echo"), {
      groups: [],
      looked_at: 0,
      truncated: false,
      left_out: 0,
    });
    const filter = { plugin: "moody", fingerprint: thirty?.fingerprint ?? "" };
    const dry = await api.change("/api/v1/failures/retry", { filter, dry_run: true });
    assertEquals(dry, { count: 4, left: 0, undo: null, dry_run: true });
    const retried = await seen(
      "/api/v1/failures/retry",
      "POST",
      await api.post("/api/v1/failures/retry", { filter }),
    );
    assertEquals(retried, { count: 4, left: 0, undo: null });
    await server.until("they are dead again", () => server.plugin("moody").dead === 5);
    const purged = await api.post("/api/v1/failures/purge", { filter: { code: 99 } });
    await seen("/api/v1/failures/purge", "POST", purged);
    const missing = await api.post("/api/v1/failures/undo", {
      undo: "purge-2026-01-01T00-00-00-000Z-01234567.ndjson",
    });
    // Nothing says here where undo files lie.
    assertEquals(missing.status, 409);
    await description.check("/api/v1/failures/undo", "POST", missing);
    const wrong = await answerOf(await api.post("/api/v1/failures/purge", {}), 400);
    assertStringIncludes(String(wrong["detail"]), "{} matches every dead letter");
    await answerOf(await api.post("/api/v1/failures/purge", { filter: { plugins: "moody" } }), 400);
    await answerOf(await api.post("/api/v1/failures/retry", { filter: { plugin: "nobody" } }), 404);
  });

  await t.step("and in openapi.json each of these stands as it is", () => {
    // The rest is held to it in the tests of the admin API as such.
    const own = description.paths.filter(({ path }) => /\/(?:operations|failures|send)\b/.test(path));
    const unseen = own.filter(({ isAdmin }) => isAdmin).flatMap(({ path, methods }) =>
      methods.map((method) => `${method} ${path}`).filter((each) => !description.seen.has(each))
    );
    assertEquals(unseen, []);
  });
});

Deno.test("params, results and errors are told to those who may control or call the plugin, and to nobody else", async () => {
  const [watcher, caller, keeper] = [
    testToken("watcher", ["stats"]),
    testToken("caller", ["stats", "call:moody"]),
    testToken("keeper", ["stats", "control:echo"]),
  ];
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", auth: "token", udp: "" },
    file: { token: [watcher, caller, keeper].map(({ table }) => table) },
    plugins: [{ name: "echo" }, { name: "moody", source: MOODY_PLUGIN }],
  });
  const api = new AdminApi(server.httpUrl);
  const fails = { method: "POST", body: '{"order":"D-1"}' };
  const headers = { "content-type": "application/json", authorization: `Bearer ${caller.token}` };
  const response = await fetch(`${server.httpUrl}/v1/moody/1001?async`, { ...fails, headers });
  // Who may call may not enqueue: the operation is that of one who runs the server.
  await response.body?.cancel();
  assertEquals(response.status, 403);
  await server.server.controls.perform(
    "send",
    { plugin: "moody", to: 1001, params: { order: "D-1" } },
    { by: "server", name: null, address: null, uid: null },
  );
  await server.until("it is dead", () => server.plugin("moody").dead === 1);
  const path = "/api/v1/plugins/moody/operations";
  const seenBy = async (token: string) => {
    const own = api.withToken(token);
    const [row] = (await own.read(path))["operations"] as unknown as OperationRow[];
    assert(row !== undefined);
    const { full_params, error, log } = await own.read(`/api/v1/operations/${row.id}`);
    const { groups } = await own.read("/api/v1/failures");
    const [group] = groups as unknown as FailureGroup[];
    const told = [row.params, row.error, full_params, error, group?.message].map((each) => each !== null);
    return { row, told, log: (log as unknown[]).length > 0 };
  };
  const all = await seenBy(caller.token);
  assertEquals([all.told, all.log], [[true, true, true, true, true], true]);
  for (const { token } of [watcher, keeper]) {
    const { row, told, log } = await seenBy(token);
    assertEquals([told, log], [[false, false, false, false, false], false]);
    const own = api.withToken(token);
    await answerOf(await own.get(`${path}?text=D-1`), 403);
    const { id, generation } = row;
    await answerOf(await own.post(`/api/v1/operations/${id}/retry`, { generation }), 403);
    await answerOf(await own.post(`/api/v1/operations/${id}/retry`, { generation, plugin: "echo" }), 403);
    const filter = { plugin: "moody" };
    for (const body of [{ filter: {} }, { filter }, { filter, plugin: "echo" }]) {
      await answerOf(await own.post("/api/v1/failures/purge", body), 403);
    }
    await answerOf(await own.post("/api/v1/plugins/moody/send", { command: 1003, params: { a: 1 } }), 403);
    await answerOf(await own.post("/api/v1/failures/undo", { undo: "x" }), 403);
    await answerOf(await own.post("/api/v1/timers/run", { plugin: "moody", timer: "x" }), 403);
  }
  await answerOf(await api.get(path), 401);
  // Of the plugin alone that it may control.
  for (const body of [{ filter: { plugin: "echo" } }, { filter: {}, plugin: "echo" }]) {
    assertEquals((await api.withToken(keeper.token).change("/api/v1/failures/purge", body))["count"], 0);
  }
  assertEquals(server.plugin("moody").dead, 1);
});
