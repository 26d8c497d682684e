import { assertThrows } from "@std/assert";
import { Runs } from "../../bench/crash/runs.ts";
import { Model } from "./model.ts";
import type { Look, Operation } from "./operation.ts";

/** A model, and the looks and runs that a test makes up. */
class Play implements Disposable {
  readonly #path = Deno.makeTempFileSync({ prefix: "mevent_model_" });
  readonly runs = new Runs(this.#path);
  readonly model = new Model(this.runs);
  #tag = 0;

  /** An async operation that was told 1000. */
  accepted(command = 1001, key: string | null = null): Operation {
    const operation = this.sent(command, key);
    this.model.accepted(operation);
    return operation;
  }

  sent(command = 1001, key: string | null = null, sync = false): Operation {
    return this.model.send({ tag: ++this.#tag, command, key, sync, delayed: false });
  }

  ran({ tag }: Operation, code = 1000, id = `id-${tag}`): void {
    Deno.writeTextFileSync(this.#path, `B ${tag} ${id}\nE ${tag} ${id} ${code}\n`, { append: true });
  }

  look(held: readonly Operation[], letters: readonly Operation[] = [], figures = {}): void {
    const { begun } = this.runs.read();
    this.model.check({
      open: held.map(({ tag }) => ({ id: tag, tag, state: "queued" })),
      letters: letters.map(({ tag }) => this.letter(tag)),
      isWhole: true,
      begun,
      figures: { ...NOTHING, ...figures },
    });
  }

  letter(tag: number): Look["letters"][number] {
    return { id: 100 + tag, tag, error: "" };
  }

  /** All that was seen so far is on the disk. */
  sync(): void {
    const operation = this.accepted();
    this.ran(operation);
  }

  [Symbol.dispose](): void {
    this.runs[Symbol.dispose]();
    Deno.removeSync(this.#path);
  }
}

const NOTHING = {
  accepted: 0,
  queued: 0,
  in_flight: 0,
  delayed: 0,
  retrying: 0,
  done: 0,
  failed: 0,
  expired: 0,
  cancelled: 0,
};

/** What a server may not do, and what the model says of it. */
const WRONGS: readonly [name: string, said: string, play: (play: Play) => void][] = [
  ["an acknowledged operation is missing", "acknowledged and is missing", (play) => {
    play.accepted();
    play.look([]);
  }],
  ["an acknowledged operation is missing after a crash", "acknowledged and is missing", (play) => {
    const operation = play.accepted();
    play.look([operation]);
    play.model.crashed();
    play.look([]);
  }],
  ["an operation is done and held again", "ended and is held", (play) => {
    const operation = play.accepted();
    play.ran(operation);
    play.look([]);
    play.look([operation]);
  }],
  ["an operation runs again after a crash, and its end was synced", "runs again", (play) => {
    const operation = play.accepted();
    play.ran(operation);
    play.look([]);
    play.sync();
    play.model.crashed();
    play.ran(operation);
    play.look([]);
  }],
  ["an operation runs twice", "ended more often", (play) => {
    const operation = play.accepted();
    play.ran(operation);
    play.ran(operation);
    play.look([]);
  }],
  ["there is an operation that nobody sent", "nobody has sent", (play) => {
    play.look([{ ...play.accepted(), tag: 77 }]);
  }],
  ["what was refused runs", "not accepted and is there", (play) => {
    const operation = play.sent();
    play.model.refused(operation);
    play.ran(operation);
    play.look([]);
  }],
  ["a sync operation of before a crash runs after it", "is back", (play) => {
    const operation = play.sent(1001, null, true);
    play.look([operation]);
    play.model.crashed();
    play.ran(operation);
    play.look([]);
  }],
  ["a synced dead letter is missing after a crash", "dead letter 101 is missing", (play) => {
    const operation = play.accepted(1002);
    play.ran(operation, 40);
    play.look([], [operation]);
    play.sync();
    play.model.crashed();
    play.look([]);
  }],
  ["a dead letter that was forgotten is back", "dead letter 101 is back", (play) => {
    const operation = play.accepted(1002);
    play.look([], [operation]);
    play.model.mayTake([play.letter(operation.tag)], false);
    play.model.taken([play.letter(operation.tag)], false, 1);
    play.look([], [operation]);
  }],
  ["a dead letter that is retried gets lost in a crash", "neither it nor what it became", (play) => {
    const operation = play.accepted(1002);
    play.look([], [operation]);
    play.model.mayTake([play.letter(operation.tag)], true);
    play.model.taken([play.letter(operation.tag)], true, 1);
    play.model.crashed();
    play.look([]);
  }],
  ["an operation has another id after a crash", "plugins see it under", (play) => {
    const operation = play.accepted();
    play.ran(operation, 40);
    play.look([operation]);
    play.model.crashed();
    play.ran(operation, 1000, "another");
    play.look([]);
  }],
  ["a second one runs with the key of one that is done", "one with its key that is done", (play) => {
    const operation = play.accepted(1001, "a");
    play.ran(operation);
    play.look([]);
    play.accepted(1001, "a");
  }],
  ["the first with its key is taken for a duplicate", "taken for a duplicate", (play) => {
    play.model.duplicated(play.sent(1001, "a"));
  }],
  ["a promise is broken: the double of a sync one was told 1000", "were told 1000", (play) => {
    const first = play.sent(1001, "a", true);
    play.look([first]);
    play.model.accepted(first);
    play.model.duplicated(play.sent(1001, "a"));
    play.model.crashed();
    play.look([]);
  }],
  ["the figures do not add up", "accepted 2, accounted for 1", (play) => {
    const operation = play.accepted();
    play.look([operation], [], { accepted: 2, queued: 1 });
  }],
  ["one fails for good before its last attempt", "failed 1 times, not 3", (play) => {
    const operation = play.accepted(1002);
    play.ran(operation, 40);
    play.look([], [operation]);
    play.model.finish(3);
  }],
];

Deno.test("the model of what becomes of operations tells each kind of wrong", async (t) => {
  for (const [name, said, wrong] of WRONGS) {
    await t.step(name, () => {
      using play = new Play();
      assertThrows(() => wrong(play), Error, said);
    });
  }
});

Deno.test("the model allows what the rules allow", async (t) => {
  await t.step("what was not synced may run again after a crash, once for each", () => {
    using play = new Play();
    const operation = play.accepted();
    play.ran(operation);
    play.look([]);
    play.model.crashed();
    play.ran(operation);
    play.look([]);
    play.model.finish(1);
  });
  await t.step("what was told nothing may be there after a crash, or not", () => {
    for (const isThere of [true, false]) {
      using play = new Play();
      const operation = play.sent();
      play.model.crashed();
      play.look(isThere ? [operation] : []);
      if (isThere) play.ran(operation);
      play.look([]);
      play.model.finish(1);
    }
  });
  await t.step("a dead letter that is retried is there after a crash, or what it became", () => {
    for (const isTakenBack of [true, false]) {
      using play = new Play();
      const operation = play.accepted(1002);
      play.look([], [operation]);
      play.model.mayTake([play.letter(operation.tag)], true);
      play.model.taken([play.letter(operation.tag)], true, 1);
      play.model.crashed();
      if (isTakenBack) play.look([], [operation]);
      else play.look([operation]);
    }
  });
});
