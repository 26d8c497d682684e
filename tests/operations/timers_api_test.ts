import { assert, assertEquals } from "@std/assert";
import type { TimerDetails } from "../../src/operations/told.ts";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { jsonSchemaOf } from "../../src/host/params_form.ts";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const CLOCKED = `
let runs = 0;
export default {
  name: "clocked", description: "has timers",
  timers: [
    { name: "nightly", cron: "30 2 * * *", timeZone: "Europe/Berlin", run: () => { if (++runs === 2) throw new Error("no disk"); } },
    { name: "hourly", every: "1h", run: (context) => new Promise((resolve) => {
      context.signal.addEventListener("abort", resolve, { once: true });
      globalThis.end = resolve;
    }) },
  ],
  commands: { 1001: {
    name: "end",
    params: {
      "~standard": {
        version: 1,
        vendor: "own",
        validate: (value) => ({ value }),
        jsonSchema: {
          input: () => ({ type: "object", properties: { how: { type: "string" } }, required: ["how"] }),
          output: () => ({}),
        },
      },
    },
    run: () => { globalThis.end(); return null; },
  } },
};
`;

Deno.test("timers tell when they run next and how they ran, and run when they are told; commands tell what they take", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "echo" }, { name: "clocked", source: CLOCKED }],
  });
  const api = new AdminApi(server.httpUrl);
  const description = await Description.of(server.httpUrl);
  let timers: TimerDetails[] = [];
  const look = async () => {
    const text = await description.check("/api/v1/timers", "GET", await api.get("/api/v1/timers"));
    timers = JSON.parse(text).timers;
    return timers;
  };
  const named = (name: string): TimerDetails => timers.find((timer) => timer.name === name)!;
  await until(
    "they wait for their times",
    async () => (await look()).every(({ next_at }) => next_at.length > 0),
  );
  const nightly = named("nightly");
  assertEquals([nightly.schedule, nightly.zone, nightly.running, nightly.last], [
    "cron 30 2 * * * Europe/Berlin",
    "Europe/Berlin",
    false,
    null,
  ]);
  assertEquals(nightly.next_at.length, 10);
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    hour: "2-digit",
    minute: "2-digit",
  });
  // Where the clock skips 2:30 it runs when it goes on, at 3:00.
  assert(nightly.next_at.every((at) => ["02:30", "03:00"].includes(clock.format(at))));
  assertEquals(named("hourly").next_at.length, 1);

  const run = async (timer: string) => {
    const response = await api.post("/api/v1/timers/run", { plugin: "clocked", timer });
    return JSON.parse(await description.check("/api/v1/timers/run", "POST", response)).outcome;
  };
  const dry = await api.change("/api/v1/timers/run", { plugin: "clocked", timer: "nightly", dry_run: true });
  assertEquals(dry, { plugin: "clocked", timer: "nightly", outcome: "begun", dry_run: true });
  assertEquals(await run("nightly"), "begun");
  await until("it has run", async () => (await look()) && named("nightly").last !== null);
  assertEquals([named("nightly").last?.outcome, named("nightly").last?.message], ["done", null]);
  const first = named("nightly").last!.at;
  assertEquals(await run("nightly"), "begun");
  await until("it has failed", async () => (await look()) && named("nightly").last!.outcome === "failed");
  assertEquals(named("nightly").last?.message, "no disk");
  assert(named("nightly").last!.at >= first && Math.abs(first - Date.now()) < 60_000);
  assertEquals(named("nightly").next_at, nightly.next_at);

  assertEquals(await run("hourly"), "begun");
  await until("it runs", async () => (await look()) && named("hourly").running);
  assertEquals(await run("hourly"), "running already");
  const headers = { "content-type": "application/json" };
  await (await fetch(`${server.httpUrl}/v1/clocked/1001`, { method: "POST", headers, body: "{}" })).text();
  await until("it has ended", async () => (await look()) && named("hourly").last?.outcome === "done");

  await answerOf(await api.post("/api/v1/timers/run", { plugin: "clocked", timer: "weekly" }), 404);
  await answerOf(await api.post("/api/v1/timers/run", { plugin: "nobody", timer: "weekly" }), 404);
  await answerOf(await api.post("/api/v1/timers/run", { plugin: "clocked" }), 400);

  const path = "/api/v1/plugins/{plugin}/schema";
  const response = await api.get("/api/v1/plugins/clocked/schema");
  const { commands } = JSON.parse(await description.check(path, "GET", response));
  assertEquals(commands[0].schema, {
    type: "object",
    properties: { how: { type: "string" } },
    required: ["how"],
  });
  assertEquals([commands[0].number, commands[0].name, commands[0].example], [1001, "end", {}]);
  const echo = await api.read("/api/v1/plugins/echo/schema");
  assert((echo["commands"] as { schema: unknown }[]).every(({ schema }) => schema === null));
});

Deno.test("the libraries of schemas tell what params they take; one that cannot is told of as null", () => {
  const schemas = [z.object({ age: z.number().int() }), type({ age: "number.integer" })];
  for (const schema of schemas) {
    const told = JSON.parse(jsonSchemaOf(schema) ?? "null");
    assertEquals([told.type, told.properties.age.type, told.required], ["object", "integer", ["age"]]);
  }
  assertEquals(jsonSchemaOf(v.object({ age: v.number() })), null);
  assertEquals(jsonSchemaOf(z.object({ when: z.date() })), null);
  const broken = {
    "~standard": {
      version: 1,
      vendor: "x",
      validate: () => ({ value: 1 }),
      jsonSchema: { input: () => "x" },
    },
  };
  assertEquals(jsonSchemaOf(broken as never), null);
});
