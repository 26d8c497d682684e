import { assertEquals, assertStringIncludes } from "@std/assert";
import type { OperationRow } from "../../src/operations/told.ts";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { mevent } from "../support/mevent.ts";
import { MOODY_PLUGIN } from "../support/moody_plugin.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("a purge of failures is undone by its file, once, also where the server ended in between", async (t) => {
  const data = await Deno.makeTempDir({ prefix: "mevent-undo-" });
  const options = {
    server: { http: "127.0.0.1:0", data },
    plugins: [{
      name: "moody",
      source: MOODY_PLUGIN,
      durability: "journal" as const,
      retry: { maxAttempts: 1, backoff: 1, maxBackoff: 2 },
    }],
  };
  const filter = { plugin: "moody" };
  let undo = "";
  const folder = `${data}/.undo`;
  let text = "";
  try {
    await t.step("it writes the file for its owner alone, and then drops them", async () => {
      await using server = await TestServer.start(options);
      const api = new AdminApi(server.httpUrl);
      using connection = await server.connect();
      const requests = [1, 2, 3].map((id) =>
        streamRequest({ id, plugin: "moody", sync: false, params: { order: `C-${id}` } })
      );
      await connection.send(...requests);
      await connection.replies(3);
      await server.until("they are dead", () => server.plugin("moody").dead === 3);
      assertEquals(await api.change("/api/v1/failures/purge", { filter, dry_run: true }), {
        count: 3,
        left: 0,
        undo: null,
        dry_run: true,
      });
      const purged = await api.change("/api/v1/failures/purge", { filter });
      assertEquals([purged["count"], server.plugin("moody").dead], [3, 0]);
      undo = String(purged["undo"]);
      assertEquals((await Deno.stat(`${folder}/${undo}`)).mode! & 0o777, 0o600);
      text = await Deno.readTextFile(`${folder}/${undo}`);
      assertEquals(text.split("\n").length, 6);
    });

    await t.step("a server that comes back puts them back, with params, errors and ids", async () => {
      await using server = await TestServer.start(options);
      const api = new AdminApi(server.httpUrl);
      assertEquals(server.plugin("moody").dead, 0);
      const dry = await api.change("/api/v1/failures/undo", { undo, dry_run: true });
      assertEquals([dry["count"], server.plugin("moody").dead], [3, 0]);
      assertEquals(await api.change("/api/v1/failures/undo", { undo }), {
        count: 3,
        left: 0,
        undo: null,
        already_there: 0,
      });
      const { operations } = await api.read("/api/v1/plugins/moody/operations?state=dead");
      const rows = operations as unknown as OperationRow[];
      assertEquals(rows.map(({ params }) => params).sort(), [1, 2, 3].map((id) => `{"order":"C-${id}"}`));
      assertEquals(new Set(rows.map(({ error }) => error?.slice(0, 9))), new Set(['order "C-']));
      await answerOf(await api.post("/api/v1/failures/undo", { undo }), 404);
    });

    await t.step(
      "they are in the journal again; where they were not dropped, the file puts nothing back twice",
      async () => {
        // As if the server had died after the file and before the dead letters were gone.
        await Deno.writeTextFile(`${folder}/${undo}`, text);
        await using server = await TestServer.start(options);
        const api = new AdminApi(server.httpUrl);
        assertEquals(server.plugin("moody").dead, 3);
        const undone = await api.change("/api/v1/failures/undo", { undo });
        assertEquals([undone["count"], undone["already_there"], server.plugin("moody").dead], [0, 3, 3]);
      },
    );

    await t.step(
      "a file that is not whole puts back nothing; names are names of undo files alone",
      async () => {
        await using server = await TestServer.start(options);
        const api = new AdminApi(server.httpUrl);
        await api.change("/api/v1/plugins/moody/purge", { dead: true });
        const lines = text.trimEnd().split("\n");
        for (
          const broken of [lines.slice(0, -1), lines.slice(1), [
            ...lines.slice(0, 2),
            "{}",
            ...lines.slice(3),
          ]]
        ) {
          await Deno.writeTextFile(`${folder}/${undo}`, `${broken.join("\n")}\n`);
          const problem = await answerOf(await api.post("/api/v1/failures/undo", { undo }), 409);
          assertStringIncludes(String(problem["detail"]), "no whole undo file");
        }
        assertEquals(server.plugin("moody").dead, 0);
        for (const name of ["../../etc/passwd", "purge.ndjson", ""]) {
          await answerOf(await api.post("/api/v1/failures/undo", { undo: name }), 400);
        }
      },
    );

    await t.step("what finds no room is left in the file, and put back later", async () => {
      await Deno.writeTextFile(`${folder}/${undo}`, text);
      const [moody] = options.plugins;
      await using server = await TestServer.start({
        ...options,
        control: true,
        plugins: [{ ...moody!, dead: { maxOps: 2, maxBytes: 1e6 } }],
      });
      const api = new AdminApi(server.httpUrl);
      const undone = await api.change("/api/v1/failures/undo", { undo });
      assertEquals([undone["count"], undone["left"], undone["undo"]], [2, 1, undo]);
      await api.change("/api/v1/plugins/moody/purge", { dead: true });
      const to = ["--control", server.controlPath];
      const dry = await mevent(["undo", undo, "--dry-run", ...to]);
      assertEquals(dry.stdout, "1 dead letter back, 0 there already, 0 left in the file (not done)\n");
      const rest = await mevent(["undo", undo, ...to]);
      assertEquals(rest.stdout, "1 dead letter back, 0 there already, 0 left in the file\n");
      assertEquals(server.plugin("moody").dead, 1);
    });
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("a purge that could not be undone is refused, and a look at it says so; what is there stays", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "moody", source: MOODY_PLUGIN, retry: { maxAttempts: 1, backoff: 1, maxBackoff: 2 } }],
  });
  const api = new AdminApi(server.httpUrl);
  const nothing = await api.change("/api/v1/failures/purge", { filter: {}, dry_run: true });
  assertEquals(nothing["count"], 0);
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "moody", sync: false }));
  await connection.reply();
  await server.until("it is dead", () => server.plugin("moody").dead === 1);
  for (const dry_run of [true, false]) {
    const { detail } = await api.change("/api/v1/failures/purge", { filter: {}, dry_run }, 409);
    assertStringIncludes(String(detail), "there is no folder for undo files: name one with data of [server]");
  }
  assertEquals(server.plugin("moody").dead, 1);
});

Deno.test("all failures until the last that was told are all of them", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "moody", source: MOODY_PLUGIN, retry: { maxAttempts: 1, backoff: 1, maxBackoff: 2 } }],
  });
  const api = new AdminApi(server.httpUrl);
  using connection = await server.connect();
  for (let dead = 1; dead <= 12; dead++) {
    await connection.send(streamRequest({ plugin: "moody", sync: false }));
    await connection.reply();
    await server.until("it is dead", () => server.plugin("moody").dead === dead);
    const { groups } = await api.read("/api/v1/failures") as unknown as { groups: { last_at: number }[] };
    const filter = { until_at: Math.max(...groups.map(({ last_at }) => last_at)) };
    const { count } = await api.change("/api/v1/failures/retry", { filter, dry_run: true });
    assertEquals(count, dead);
  }
});
