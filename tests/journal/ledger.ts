import { assert, assertEquals } from "@std/assert";
import { RecordKind } from "../../src/journal/record_layout.ts";
import { Desk, EPOCH, type Given, TestClock } from "./desk.ts";
import type { MemoryDisk } from "./memory_disk.ts";

/** What may be found of an operation: as {@link describe} says it; "" where nothing is. */
type Version = string;

interface Fate {
  /** What was sent of it, in its order. */
  versions: Version[];
  /** All up to this one are known to be synced; -1 where none is. */
  synced: number;
  state: "staged" | "committed" | "refused";
}

export const LATER = EPOCH + 10_000_000_000;

/** The fate of every operation, beside a journal, through crashes. */
export class Ledger {
  readonly clock = new TestClock();
  readonly fates = new Map<number, Fate>();
  desk: Desk;
  #staged: number[] = [];
  #committed = 0;
  #told = 0;
  #next: number;

  constructor(public disk: MemoryDisk, readonly options: { syncMs: number; segmentBytes: number }) {
    this.desk = new Desk(disk, this.clock, options);
    this.#next = this.desk.recovered.nextId;
  }

  /** Committed operations that have not ended, the oldest first. */
  get live(): number[] {
    return [...this.fates].filter(([, { state, versions }]) =>
      state === "committed" && versions.at(-1)!.startsWith("waiting")
    ).map(([id]) => id);
  }

  accept(length: number): void {
    const id = this.#next++;
    const content = `${id} `.repeat(length);
    this.desk.accept(id, content);
    this.#staged.push(id);
    this.fates.set(id, {
      versions: [describe({ kind: RecordKind.Accepted, attempts: 0, due: 0, content })],
      synced: -1,
      state: "staged",
    });
  }

  attempt(id: number, attempts: number): void {
    const content = this.fates.get(id)!.versions.at(-1)!.replace(/^waiting \d+ \d+ /, "");
    this.desk.attempt(id, attempts, LATER);
    this.#note(id, describe({ kind: RecordKind.Accepted, attempts, due: LATER, content }));
  }

  bury(id: number): void {
    this.desk.bury(id);
    this.#note(id, describe({ kind: RecordKind.Buried, attempts: 0, due: 0, content: `letter ${id}` }));
  }

  remember(id: number): void {
    this.desk.remember(id, LATER);
    this.#note(id, describe({ kind: RecordKind.Remembered, attempts: 0, due: 0, content: "\0\0\0" }));
  }

  end(id: number): void {
    this.desk.end({ first: id, count: 1 });
    this.#note(id, "");
  }

  #note(id: number, version: Version): void {
    this.fates.get(id)!.versions.push(version);
  }

  turn(): void {
    this.desk.turn();
    this.#look();
  }

  settle(): void {
    this.desk.settle();
    this.#look();
  }

  /** Takes what the journal has told since. */
  #look(): void {
    for (const told of this.desk.told.slice(this.#told)) {
      const count = told < 0 ? -told : told - this.#committed;
      for (const id of this.#staged.splice(0, count)) {
        const fate = this.fates.get(id)!;
        fate.state = told < 0 ? "refused" : "committed";
        if (told >= 0 && this.options.syncMs === 0) fate.synced = 0;
      }
      if (told >= 0) this.#committed = told;
    }
    this.#told = this.desk.told.length;
    const isSettled = this.desk.store.isSettled && this.desk.store.intake.unread === 0;
    if (!isSettled) return;
    for (const fate of this.fates.values()) {
      if (fate.state === "committed") fate.synced = fate.versions.length - 1;
    }
  }

  get isFailing(): boolean {
    return (this.desk.states.at(-1)?.problem ?? null) !== null;
  }

  /** Goes on with what a crash has left; checks that it is what it may be. */
  crash(disk: MemoryDisk): void {
    const mayComeBack = this.isFailing;
    this.disk = disk;
    this.desk = new Desk(disk, this.clock, this.options);
    this.desk.settle();
    const found = this.desk.given;
    const order = [...found].filter(([, { kind }]) => kind === RecordKind.Accepted).map(([id]) => id);
    assertEquals(order, order.toSorted((a, b) => a - b), "operations come back in their order");
    for (const id of found.keys()) assert(this.fates.has(id), `operation ${id} was invented`);
    for (const [id, { versions, synced, state }] of this.fates) {
      const given = found.get(id);
      const is = given === undefined ? "" : describe(given);
      const may = versions.slice(Math.max(synced, 0));
      if (synced < 0) may.push("");
      if (state === "refused") may.splice(0, may.length, ...(mayComeBack ? [...versions, ""] : [""]));
      assert(
        may.includes(is),
        `operation ${id}, ${state}, is ${JSON.stringify(is)} of ${JSON.stringify(may)}`,
      );
    }
    assert(this.desk.recovered.nextId >= this.#next, "an id comes twice");
    this.#next = this.desk.recovered.nextId;
    this.fates.clear();
    for (const [id, given] of found) {
      this.fates.set(id, { versions: [describe(given)], synced: 0, state: "committed" });
    }
    this.#staged = [];
    this.#committed = 0;
    this.#told = 0;
    this.#look();
  }
}

function describe({ kind, attempts, due, content }: Given): Version {
  const name = kind === RecordKind.Accepted ? `waiting ${attempts} ${due}` : `kind ${kind}`;
  return `${name} ${content}`;
}
