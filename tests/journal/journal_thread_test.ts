import { assert, assertEquals } from "@std/assert";
import type { FromJournal, ToJournal } from "../../src/journal/messages.ts";
import { News, NewsKind } from "../../src/journal/news.ts";
import { JournalRecord } from "../../src/journal/record.ts";
import { acceptedBytes, writeAccepted } from "../../src/journal/write_record.ts";
import { createRing, RingReader, RingWriter } from "../../src/ring/ring.ts";
import { until } from "../support/until.ts";
import { plain } from "./records.ts";

const THREAD = new URL("../../src/journal/journal_thread.ts", import.meta.url);

/** The journal's thread, with the rights that it needs and no others. */
class Thread implements Disposable {
  readonly bell = createRing(4096);
  readonly #worker: Worker;
  readonly #said: FromJournal[] = [];

  constructor(data: string) {
    this.#worker = new Worker(THREAD, {
      type: "module",
      deno: { permissions: { read: [data], write: [data], env: false, net: false, run: false, ffi: false } },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromJournal>) => void this.#said.push(data);
    this.post({ kind: "start", bell: this.bell });
  }

  post(message: ToJournal): void {
    this.#worker.postMessage(message);
  }

  /** Waits for what it says next. */
  async said(): Promise<FromJournal> {
    await until("the journal's thread answers", () => this.#said.length > 0, 20_000);
    return this.#said.shift()!;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** The rings of one plugin, and what came over them. */
class Rings {
  readonly intake = createRing(2 ** 20);
  readonly news = createRing(2 ** 20);
  readonly writer: RingWriter;
  readonly #reader = new RingReader(this.news);
  committed = 0;
  loaded: number[] = [];
  isFilled = false;

  constructor(bell: Thread["bell"]) {
    this.writer = new RingWriter(this.intake, bell);
  }

  accept(id: number): void {
    assert(this.writer.reserve(acceptedBytes(100)));
    writeAccepted(this.writer.records, this.writer.at, plain(id), new Uint8Array(100).fill(65), 0, 100);
    this.writer.commit(acceptedBytes(100));
    this.writer.publish();
  }

  look(): void {
    while (this.#reader.next()) {
      const kind = News.kind(this.#reader);
      if (kind === NewsKind.Committed) {
        const blank = { accepted: 0, reserved: 0, diskBytes: 0, liveBytes: 0 };
        this.committed = News.committed(this.#reader, blank).accepted;
      } else if (kind === NewsKind.Loaded) {
        this.loaded.push(JournalRecord.id(this.#reader.records, News.loadedAt(this.#reader)));
      } else if (kind === NewsKind.LoadedEnd) this.isFilled = true;
    }
    this.#reader.release();
  }
}

Deno.test("the journal's thread keeps the journals of three plugins on a real disk, each for one server at a time", async () => {
  const data = await Deno.makeTempDir({ prefix: "mevent-journal-" });
  const plugins = ["a", "b", "c"];
  const limits = { syncMs: 0, maxDisk: 2 ** 30 };
  const request = (plugin: string, { intake, news }: Rings) => {
    return {
      plugin,
      folder: `${data}/${plugin}`,
      intake,
      news,
      limits,
      maxContentBytes: 2 ** 18,
      fillBytes: 2 ** 20,
    } as const;
  };
  const ids = new Map<string, number[]>();
  {
    using thread = new Thread(data);
    const rings = plugins.map(() => new Rings(thread.bell));
    for (const [index, plugin] of plugins.entries()) {
      thread.post({ kind: "open", ...request(plugin, rings[index]!) });
      const opened = await thread.said();
      assert(opened.kind === "opened", JSON.stringify(opened));
      assertEquals([opened.plugin, opened.waiting, opened.problem], [plugin, [], null]);
      ids.set(plugin, Array.from({ length: 100 }, (_, at) => opened.nextId + at));
    }
    for (const [index, plugin] of plugins.entries()) {
      for (const id of ids.get(plugin)!) rings[index]!.accept(id);
    }
    await until("all are committed", () => {
      for (const each of rings) each.look();
      return rings.every(({ committed }) => committed === 100);
    }, 20_000);
    using other = new Thread(data);
    other.post({ kind: "open", ...request("a", new Rings(other.bell)) });
    const refused = await other.said();
    assert(refused.kind === "unopened");
    assertEquals(refused.reason, "locked");
    thread.post({ kind: "close", plugin: "b" });
    assertEquals(await thread.said(), { kind: "closed", plugin: "b", problem: null });
    assertEquals((await Deno.stat(`${data}/a`)).mode! & 0o777, 0o700);
    for (const { name } of Deno.readDirSync(`${data}/a`)) {
      assertEquals((await Deno.stat(`${data}/a/${name}`)).mode! & 0o777, 0o600);
    }
  }
  using thread = new Thread(data);
  for (const plugin of plugins) {
    const rings = new Rings(thread.bell);
    let opened: FromJournal;
    // The thread that was ended gives its locks back when it is gone.
    do {
      thread.post({ kind: "open", ...request(plugin, rings) });
      opened = await thread.said();
    } while (opened.kind === "unopened" && opened.reason === "locked");
    assert(opened.kind === "opened", JSON.stringify(opened));
    assertEquals(opened.waiting, [{ first: ids.get(plugin)![0]!, count: 100 }]);
    await until("all are loaded", () => (rings.look(), rings.isFilled), 20_000);
    assertEquals(rings.loaded, ids.get(plugin));
    thread.post({ kind: "close", plugin });
    assertEquals((await thread.said()).kind, "closed");
  }
  await Deno.remove(data, { recursive: true });
});
