import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readCorpus } from "../../bench/fuzz/corpus.ts";
import { Mutator } from "../../bench/fuzz/mutator.ts";
import { Random } from "../../bench/fuzz/random.ts";
import { LimitLog } from "../../src/observe/limit_log.ts";
import { ServerCounters, type ServerStats } from "../../src/observe/server_stats.ts";
import type { JsonValue, Params } from "../../src/plugin.ts";
import { BodyView, decodeBody, decodeContent, Encoding } from "../../src/protocol/body.ts";
import { CONTENT_LIMITS } from "../../src/protocol/content_limits.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { FrameReader, PREFIX_BYTES } from "../../src/protocol/frame.ts";
import { readReply } from "../../src/protocol/reply.ts";
import type { Caller } from "../../src/router/caller.ts";
import { Registry } from "../../src/router/registry.ts";
import { ReplyRoutes } from "../../src/router/reply_routes.ts";
import { Router } from "../../src/router/router.ts";
import { OperationParams } from "../../src/host/params.ts";
import { fromHex, toHex } from "../support/bytes.ts";
import { testLog } from "../support/test_log.ts";

// Every decoder: whatever bytes come, it throws the protocol's own error or nothing, and reads nothing but its message.

const MAX_MESSAGE = 4096;
const MARGIN = 64;
const corpus = (await readCorpus()).filter(({ length }) => length <= MAX_MESSAGE);

/** Spoiled requests, as the fuzzer sends them. */
const mutated = fc.nat(0xffffffff).map((seed) => {
  const bytes = new Uint8Array(MAX_MESSAGE);
  return bytes.slice(0, new Mutator(new Random(seed), corpus).write(bytes, 0, MAX_MESSAGE));
});
const message = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }));
/** The bodies of such requests, cut off anywhere. */
const body = fc.tuple(mutated, fc.nat(), fc.boolean()).map(([message, cutAt, whole]) => {
  const nameLength = message.length < 12 ? 0 : new DataView(message.buffer).getUint32(8);
  const body = message.subarray(Math.min(message.length, 12 + nameLength));
  return whole ? body : body.subarray(0, cutAt % (body.length + 1));
});
const encoding = fc.constantFrom(...Object.values(Encoding));

/** What may lie around a message in its buffer: what would tempt a reader to go on. */
const POISONS = [
  new Uint8Array([0]),
  new Uint8Array([0xff]),
  fromHex("00000001" + "00000001" + "61" + "00000001"),
  new TextEncoder().encode('a = 1\n}"'),
];

Deno.test("what lies around a message in its buffer never changes what its body is decoded to", () => {
  fc.assert(
    fc.property(body, (body) => {
      alikeAmidPoison(body, (bytes, at, end) => {
        const view = new BodyView();
        view.locate(bytes, at, end);
        assert(view.at >= at && view.at + view.length <= end, "the content leaves the message");
        return decodeContent(view.encoding, bytes.subarray(view.at, view.at + view.length));
      });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what lies around a request in its buffer never changes how the router answers it", () => {
  fc.assert(
    fc.property(message, (message) => {
      alikeAmidPoison(message, (bytes, at, end) => {
        const { router, answers, errors } = testRouter();
        answers.push(router.handleContained(new Answers(answers), bytes, at, end - at, 0));
        assertEquals(errors, []);
        return answers;
      });
    }),
    { numRuns: 1000 },
  );
});

Deno.test("what lies around a reply in its buffer never changes what it is read as", () => {
  const reply = fc.tuple(
    fc.nat(0xffffffff),
    fc.nat(0xffffffff),
    fc.option(fc.uint8Array({ maxLength: 60 })),
    fc.nat(20),
  ).map(
    ([id, code, body, off]) => {
      const bytes = new Uint8Array(body === null ? 8 : 12 + body.length);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, id);
      view.setUint32(4, code);
      if (body === null) return bytes;
      view.setUint32(8, off === 0 ? body.length + 1 : off === 1 ? 0xffffffff : body.length);
      bytes.set(body, 12);
      return bytes;
    },
  );
  fc.assert(
    fc.property(fc.oneof(reply, fc.uint8Array({ maxLength: 40 })), (message) => {
      alikeAmidPoison(message, (bytes, at, end) => {
        const { id, code, body } = readReply(bytes.subarray(at, end));
        return [id, code, body === null ? null : decodeBody(body) ?? null];
      });
    }),
    { numRuns: 1000 },
  );
});

Deno.test("arbitrary bytes as content of any encoding decode, or throw a ProtocolError, nothing else", () => {
  const text = fc.string({ unit: fc.constantFrom(...'a1.=:{}[]<>,"\\ \n\0é'), maxLength: 80 }).map((text) =>
    new TextEncoder().encode(text)
  );
  fc.assert(
    fc.property(encoding, fc.oneof(text, fc.uint8Array({ maxLength: 200 })), (encoding, content) => {
      attempt(() => decodeContent(encoding, content));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the params of any content answer every getter with a value or a ProtocolError, before and after they are kept", () => {
  const key = fc.constantFrom(
    "a",
    "a.b",
    "0",
    "a.0.b",
    "",
    ".",
    "__proto__",
    "constructor.name",
    "uid",
    "list.1",
  );
  fc.assert(
    fc.property(mutated, key, (message, key) => {
      const view = new BodyView();
      if (attempt(() => view.locate(message, Math.min(16, message.length), message.length)) !== undefined) {
        return;
      }
      const params = new OperationParams(view.encoding, message, view.at, view.length, CONTENT_LIMITS);
      const before = readAll(params, key);
      const kept = new OperationParams(view.encoding, message, view.at, view.length, CONTENT_LIMITS);
      kept.keep();
      message.fill(0xff);
      assertEquals(readAll(kept, key), before);
    }),
    { numRuns: 500 },
  );
});

Deno.test("an arbitrary stream is cut as ten plain lines would cut it, however it comes", () => {
  const length = fc.constantFrom(0, 4, 8, 9, 10, 20, 64, 65, 0x7fffffff, 0xffffffff);
  const piece = fc.tuple(length, fc.uint8Array({ maxLength: 30 })).map(([length, rest]) => {
    const bytes = new Uint8Array(PREFIX_BYTES + rest.length);
    new DataView(bytes.buffer).setUint32(0, length);
    bytes.set(rest, PREFIX_BYTES);
    return bytes;
  });
  const stream = fc.array(fc.oneof(piece, fc.uint8Array({ maxLength: 20 })), { maxLength: 12 }).map((
    pieces,
  ) => Uint8Array.from(pieces.flatMap((piece) => [...piece])));
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 40 }), (stream, chunk) => {
      const reader = new FrameReader(64, 16);
      const got: string[] = [];
      for (let at = 0; at < stream.length && got.at(-1) !== "illegal"; at += chunk) {
        reader.push(stream.subarray(at, at + chunk));
        for (let next = reader.next(); next !== "more" && got.at(-1) !== "illegal"; next = reader.next()) {
          got.push(
            next === "illegal" ? next : toHex(reader.bytes.subarray(reader.at, reader.at + reader.length)),
          );
        }
      }
      assertEquals(got, cutPlainly(stream, 64));
    }),
    { numRuns: 1000 },
  );
});

function cutPlainly(stream: Uint8Array, maxFrame: number): string[] {
  const view = new DataView(stream.buffer);
  const out: string[] = [];
  for (let at = 0; at + 4 <= stream.length;) {
    const total = view.getUint32(at);
    if (total <= 8 || total > maxFrame) return [...out, "illegal"];
    if (at + total > stream.length) break;
    out.push(toHex(stream.subarray(at + 4, at + total)));
    at += total;
  }
  return out;
}

/** Requires one outcome whatever lies around the message. */
function alikeAmidPoison(
  message: Uint8Array,
  decode: (bytes: Uint8Array, at: number, end: number) => unknown,
): void {
  const outcomes = POISONS.map((poison) => {
    const bytes = new Uint8Array(MARGIN + message.length + MARGIN).map((_, index) =>
      poison[index % poison.length]!
    );
    bytes.set(message, MARGIN);
    let outcome: unknown;
    const error = attempt(() => outcome = decode(bytes, MARGIN, MARGIN + message.length));
    return error ?? outcome;
  });
  for (const outcome of outcomes.slice(1)) assertEquals(outcome, outcomes[0]);
}

/** The ProtocolError in words, or undefined; any other error goes on. */
function attempt(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

function readAll(params: Params, key: string): (JsonValue | undefined)[] {
  const getters = [
    () => params.has(key),
    () => params.string(key, "none"),
    () => params.int(key, 1),
    () => params.number(key, 1),
    () => params.bigint(key, 1n),
    () => params.exact(key, null),
    () => params.exact(),
    () => params.bool(key, true),
    () => params.value(key, null),
    () => params.all(),
  ];
  return getters.map((get) => {
    let value: JsonValue | undefined;
    return attempt(() => value = get()) ?? value;
  });
}

/** A caller whose answers are noted. */
class Answers implements Caller {
  readonly asyncReply = true;
  readonly hops = 0;
  readonly identity = null;
  readonly maxBodyBytes = 65_536;
  readonly routeGeneration = 0;

  constructor(readonly answers: unknown[]) {}

  login(): string {
    return "";
  }

  openRoute(): number {
    throw new Error("nothing is to be accepted: there is no plugin");
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    this.answers.push([id, code, body === null ? null : toHex(body)]);
  }

  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }
}

/** A router without plugins, and what it logs. */
function testRouter(): { router: Router; answers: unknown[]; errors: string[] } {
  const errors: string[] = [];
  const log = testLog("error", (line) => errors.push(line));
  const stats = (): ServerStats => JSON.parse('{ "version": "test" }');
  const counters = new ServerCounters();
  const router = new Router({
    registry: new Registry(),
    counters,
    routes: new ReplyRoutes(counters),
    stats,
    now: () => 0,
    contentLimits: CONTENT_LIMITS,
    limitLog: new LimitLog(log, () => 0),
    log,
    forwards: { find: () => null },
  });
  return { router, answers: [], errors };
}
