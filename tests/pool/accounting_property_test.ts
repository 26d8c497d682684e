import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { assertBalanced, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { thorough } from "../support/thorough.ts";

/** What an operation is to do once it is handed over. */
const KIND = fc.constantFrom("succeed" as const, "fail" as const, "fail once" as const);
type Kind = typeof KIND extends fc.Arbitrary<infer T> ? T : never;

const STEP = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("send" as const), kind: KIND, delayed: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["pause", "resume", "purge", "cancel", "retry dead", "purge dead"] as const)),
      index: fc.nat(20),
    }),
  },
);

/** What the server is to hold and to have counted. */
class Model {
  paused = false;
  accepted = 0;
  done = 0;
  failed = 0;
  cancelled = 0;
  waiting: { id: number; kind: Kind; tag: number }[] = [];
  delayed: { id: number; kind: Kind; tag: number }[] = [];
  dead: { kind: Kind; tag: number }[] = [];

  run(): void {
    if (this.paused) return;
    for (const { kind, tag } of this.waiting.splice(0)) {
      if (kind === "fail") {
        this.failed++;
        this.dead.push({ kind, tag });
      } else this.done++;
    }
  }
}

Deno.test("whatever is sent, paused, purged, cancelled and retried: the figures are those of a small model, and their sum is what was accepted", async () => {
  await using server = await startLives({
    retry: { maxAttempts: 2, backoff: 1, maxBackoff: 1 },
    maxDelay: 600_000,
  });
  using connection = await server.connect();
  const plugin = lives(server);
  const base = new Model();
  let tags = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 40, size: "max" }), async (steps) => {
      plugin.purge();
      plugin.purgeDead();
      plugin.resume();
      const { accepted, done, failed, cancelled } = server.plugin("lives");
      Object.assign(base, { accepted, done, failed, cancelled });
      const model = new Model();
      for (const step of steps) {
        if (step.do === "send") {
          const { kind, delayed } = step;
          const tag = ++tags;
          const fails = kind === "fail" ? 1e9 : kind === "fail once" ? 1 : 0;
          const params = { tag, fails, ...delayed ? { "mevent.delay": 600 } : {} };
          await connection.send(livesRequest({ command: 1004, sync: false, params }));
          assertEquals((await connection.reply()).code, 1000);
          const id = plugin.queue.lastId;
          (delayed ? model.delayed : model.waiting).push({ id, kind, tag });
          model.accepted++;
        } else if (step.do === "pause") {
          plugin.pause();
          model.paused = true;
        } else if (step.do === "resume") {
          plugin.resume();
          model.paused = false;
        } else if (step.do === "purge") {
          const count = model.waiting.length + model.delayed.length;
          assertEquals(plugin.purge(), count);
          model.waiting = [];
          model.delayed = [];
          model.cancelled += count;
        } else if (step.do === "cancel") {
          const all = [...model.waiting, ...model.delayed];
          const chosen = all[step.index % all.length];
          assertEquals(plugin.cancel(chosen?.id ?? 0), chosen === undefined ? "unknown" : "cancelled");
          model.waiting = model.waiting.filter((each) => each !== chosen);
          model.delayed = model.delayed.filter((each) => each !== chosen);
          if (chosen !== undefined) model.cancelled++;
        } else if (step.do === "retry dead") {
          const { lastId } = plugin.queue;
          const dead = model.dead.splice(0, 3);
          assertEquals(plugin.retryDead(3), dead.length);
          model.waiting.push(...dead.map((each, index) => ({ ...each, id: lastId + 1 + index })));
          model.accepted += dead.length;
        } else {
          assertEquals(plugin.purgeDead(), model.dead.length);
          model.dead = [];
        }
        model.run();
        await server.until("nothing is under way", () => {
          const { queued, in_flight, retrying } = server.plugin("lives");
          return in_flight + retrying === 0 && queued === model.waiting.length;
        });
        check(model);
      }
    }),
    { numRuns: thorough(20, 10) },
  );
  plugin.purge();

  function check(model: Model): void {
    const { accepted, done, failed, cancelled, delayed, dead, paused, queued } = server.plugin("lives");
    assertEquals({ accepted, done, failed, cancelled, delayed, dead, paused, queued }, {
      accepted: base.accepted + model.accepted,
      done: base.done + model.done,
      failed: base.failed + model.failed,
      cancelled: base.cancelled + model.cancelled,
      delayed: model.delayed.length,
      dead: model.dead.length,
      paused: model.paused,
      queued: model.waiting.length,
    });
    assertBalanced(server);
  }
});
