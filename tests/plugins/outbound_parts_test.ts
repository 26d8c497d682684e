import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Lines } from "../../plugins/exec/lines.ts";
import { LineError, readLine } from "../../plugins/exec/messages.ts";
import { OpenIds } from "../../plugins/exec/open_ids.ts";
import { Breaker } from "../../plugins/webhook/breaker.ts";
import { Gate } from "../../plugins/webhook/gate.ts";
import { HostPattern } from "../../plugins/webhook/host_pattern.ts";
import { readAnswer, retryAfterOf, verdictOf } from "../../plugins/webhook/response.ts";
import { ProcessOutput } from "../../src/thread/process_output.ts";

const encoder = new TextEncoder();
const never = new AbortController().signal;

Deno.test("lines come out as they went in, however the bytes are cut, and longer ones by their beginning", () => {
  const line = fc.string({ unit: fc.constantFrom("a", "ä", "{", "7", "𝄞"), maxLength: 40 });
  const end = fc.constantFrom("\n", "\r\n", "\r", "\n\n");
  fc.assert(fc.property(fc.array(fc.tuple(line, end)), fc.array(fc.nat(30)), (ended, cuts) => {
    const lines = ended.map(([text]) => text);
    const bytes = encoder.encode(ended.flat().join(""));
    const got: string[] = [];
    const excess: string[] = [];
    const text = (each: Uint8Array) => new TextDecoder("latin1").decode(each);
    const reader = new Lines(60, {
      line: (each) => got.push(new TextDecoder().decode(each)),
      excess: (each) => excess.push(text(each)),
      tooLong: () => {
        got.push("too long");
        excess.push("|");
      },
    });
    let at = 0;
    for (const cut of cuts) {
      reader.push(bytes.subarray(at, at + cut));
      at = Math.min(at + cut, bytes.length);
    }
    reader.push(bytes.subarray(at));
    reader.end();
    const expected = lines.filter((each) => each !== "").map((each) =>
      encoder.encode(each).length > 60 ? "too long" : each
    );
    assertEquals(got, expected);
    const longOnes = lines.map((each) => encoder.encode(each)).filter(({ length }) => length > 60);
    assertEquals(excess.join(""), longOnes.map((each) => `${text(each)}|`).join(""));
  }));
});

Deno.test("of the ids in a line those of open operations count, and of these the ones that the fewest braces are around", () => {
  for (
    const [text, open, expected] of [
      ['{"rows":[{"id":2}],"x":NaN,"id":1}', [1, 2], [1]],
      ['{"id":1,"x":NaN,"rows":[{"id":2}]}', [1, 2], [1]],
      ['{"rows":[{"id":2}],"x":NaN}', [1, 2], [2]],
      ['{"id":1}{"id":2}', [1, 2], [1, 2]],
      ['{"id":1}{"id":3}', [1, 2], [1]],
      ['{"text":"\\"id\\":2 }}}","x":NaN,"id":1}', [1, 2], [1]],
      ['"{\\"id\\":\\"2\\"}"', [1, 2], [2]],
      ['he said "hi {"id":1}', [1], [1]],
      ['}}}{"id" \t:\t 1 }', [1], [1]],
      ['{"id":1', [1], [1]],
      ['{"uid":1,"id2":1,"grid":1}', [1], []],
      ['{"id":1.5}', [1], []],
      ['{"id":1e3}', [1], []],
      ['{"id":-1}', [1], []],
      ['{"id":12}', [1, 2], []],
      ['{"id":"1a"}', [1], []],
      ['{"id":9007199254740993}', [9007199254740992, 9007199254740993], []],
      ["id: 1, id=1, [id] => 1, -id 1", [1], []],
    ] as const
  ) {
    const bytes = encoder.encode(text);
    for (const cut of [0, 1, 3, bytes.length]) {
      const ids = new OpenIds((id) => (open as readonly number[]).includes(id));
      ids.push(bytes.subarray(0, cut));
      ids.push(bytes.subarray(cut));
      assertEquals(ids.end(), expected, text);
    }
  }
});

Deno.test("an error of a child that says nothing is one nevertheless, with a sentence", () => {
  for (const error of ['""', "{}", '{"message":""}', '{"code":14,"message":""}']) {
    const message = readLine(encoder.encode(`{"id":1,"error":${error}}`));
    const wanted = { code: 14, message: "the child said nothing more", retry: true, retryAfter: 0 };
    assertEquals(message, { kind: "answer", id: 1, answer: { error: wanted } });
  }
});

Deno.test("whatever a child writes is a message or a LineError", () => {
  const odd = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ id: fc.jsonValue(), error: fc.jsonValue(), result: fc.jsonValue(), code: fc.jsonValue() }, {
      requiredKeys: [],
    }).map((value) => JSON.stringify(value)),
    fc.record({ log: fc.jsonValue(), stats: fc.jsonValue(), ready: fc.jsonValue() }, { requiredKeys: [] })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(fc.property(odd, (line) => {
    try {
      const message = readLine(encoder.encode(line));
      if (message.kind !== "answer") return;
      const { answer } = message;
      if ("error" in answer) assert(answer.error.code === 14 || answer.error.code >= 25);
      else assert(answer.code >= 1000);
    } catch (error) {
      assert(error instanceof LineError, String(error));
    }
  }));
});

Deno.test("a gate lets in so many and lets wait as many; the others are put off, each behind the one before", async () => {
  const gate = new Gate(2, 0, () => 0, () => 0);
  assertEquals(await gate.enter(never), null);
  assertEquals(await gate.enter(never), null);
  const order: number[] = [];
  const waiting = [1, 2].map((n) => gate.enter(never).then(() => order.push(n)));
  const far = [];
  for (let i = 0; i < 5; i++) far.push(await gate.enter(never));
  assert(far.every((ms) => ms !== null && ms > 0));
  assertEquals(far, far.toSorted((a, b) => a! - b!));
  assertEquals(new Set(far).size, 5);
  gate.leave(10);
  await waiting[0];
  assertEquals(order, [1]);
  gate.leave(10);
  await waiting[1];
  assertEquals(order, [1, 2]);
  gate.leave(10);
  gate.leave(null);
  assert(gate.isIdle);
});

Deno.test("who gives up before a gate leaves its place to the next", async () => {
  const gate = new Gate(1, 0, () => 0, () => 0);
  await gate.enter(never);
  const aborting = new AbortController();
  const first = gate.enter(aborting.signal);
  aborting.abort(new Error("given up"));
  await assertRejects(() => first, Error, "given up");
  await assertRejects(() => gate.enter(aborting.signal), Error, "given up");
  const second = gate.enter(never);
  gate.leave(1);
  assertEquals(await second, null);
});

Deno.test("nobody is put off for more than a minute, however many come", async () => {
  const gate = new Gate(1, 1000, () => 0, () => 0.5);
  await gate.enter(never);
  const waiting = gate.enter(never).catch(() => {});
  for (let i = 0; i < 1000; i++) assert((await gate.enter(never))! <= 60_000);
  void waiting;
  assertEquals(gate.isIdle, false);
});

Deno.test("a breaker opens after so many failures in a row, lets one try after its time, and closes by a success", () => {
  let now = 0;
  const breaker = new Breaker(3, 100, () => now);
  assertEquals([breaker.failed(), breaker.failed(), breaker.succeeded()], [false, false, false]);
  assertEquals([breaker.failed(), breaker.failed(), breaker.left, breaker.failed()], [false, false, 0, true]);
  assertEquals([breaker.isOpen, breaker.left], [true, 100]);
  now = 100;
  assertEquals(breaker.left, 0);
  breaker.begin();
  assertEquals(breaker.left, 100, "another one is under way");
  assertEquals([breaker.failed(), breaker.left], [false, 100]);
  now = 200;
  breaker.begin();
  breaker.unknown();
  assertEquals(breaker.left, 0, "the one that tried was given up");
  breaker.begin();
  assertEquals([breaker.succeeded(), breaker.isOpen, breaker.left], [true, false, 0]);
  const off = new Breaker(0, 100, () => now);
  assertEquals(Array.from({ length: 50 }, () => off.failed()).includes(true), false);
});

Deno.test("Retry-After is seconds or a date, four hours at most, and nothing where it is neither", () => {
  const now = Date.UTC(2030, 0, 1);
  for (
    const [text, ms] of [
      [null, 0],
      ["0", 0],
      ["7", 7000],
      ["999999999", 4 * 3_600_000],
      ["-1", 0],
      ["soon", 0],
      ["Tue, 01 Jan 2030 00:00:30 GMT", 30_000],
      ["Mon, 31 Dec 2029 00:00:00 GMT", 0],
    ] as const
  ) {
    assertEquals(retryAfterOf(text, now), ms, String(text));
  }
});

Deno.test("only 2xx is delivered; 408, 425, 429 and 5xx may be later, all others are refused", () => {
  const of = (verdict: string) =>
    Array.from({ length: 500 }, (_, i) => i + 100).filter((status) => verdictOf(status) === verdict);
  assertEquals(of("delivered"), Array.from({ length: 100 }, (_, i) => 200 + i));
  assertEquals(of("later"), [408, 425, 429, ...Array.from({ length: 100 }, (_, i) => 500 + i)]);
});

Deno.test("a host pattern stands for its host, scheme and port and for nothing else", () => {
  for (
    const [pattern, url, matches] of [
      ["hooks.example.com", "https://hooks.example.com/x", true],
      ["hooks.example.com", "https://HOOKS.example.com:443/x", true],
      ["hooks.example.com", "http://hooks.example.com/x", false],
      ["hooks.example.com", "https://hooks.example.com:8443/", false],
      ["hooks.example.com", "https://hooks.example.com.evil.org/", false],
      ["hooks.example.com", "https://a.hooks.example.com/", false],
      ["hooks.example.com", "https://hooks.example.com@evil.org/", false],
      ["hooks.example.com", "https://me@hooks.example.com/", false],
      ["*.example.com:8443", "https://a.b.example.com:8443/", true],
      ["*.example.com", "https://example.com/", false],
      ["*.example.com", "https://badexample.com/", false],
      ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", true],
      ["http://127.0.0.1:8080", "http://127.0.0.1/", false],
      ["http://[::1]:8080", "http://[::1]:8080/", true],
    ] as const
  ) {
    assertEquals(HostPattern.parse(pattern).matches(new URL(url)), matches, `${pattern} ${url}`);
  }
  for (const text of ["", "https://", "a/b", "a b", "https://x:port", "*", "user@host", "ftp://x"]) {
    assertThrows(() => HostPattern.parse(text), Error, "allow_hosts");
  }
});

Deno.test("what comes byte by byte takes its own length, not a buffer of 64 KiB a byte: answers of hosts, lines of children and of plugins' processes", async () => {
  // Kept whole they would be a gigabyte; the garbage between two collections is far from half of that.
  const bytes = 16_000;
  // Of a line that goes on for longer, processes' output is logged so far.
  const logged = 4_000;
  const readers: Record<string, (stream: ReadableStream<Uint8Array>) => Promise<number>> = {
    async answer(stream) {
      return (await readAnswer(new Response(stream), bytes, 0)).body.length;
    },
    async line(stream) {
      let length = 0;
      const lines = new Lines(bytes, { line: (line) => length = line.length, tooLong() {} });
      for await (const chunk of stream) lines.push(chunk);
      lines.end();
      return length;
    },
    async output(stream) {
      let length = 0;
      await new ProcessOutput(stream, (line) => length = line.length, () => 0).ended;
      return length;
    },
  };
  for (const [name, read] of Object.entries(readers)) {
    const before = Deno.memoryUsage().external;
    let most = 0;
    let left = bytes;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        most = Math.max(most, Deno.memoryUsage().external - before);
        if (left-- === 0) return controller.close();
        // As Deno has it of sockets and pipes.
        const buffer = new Uint8Array(65_536);
        buffer[0] = 121;
        controller.enqueue(buffer.subarray(0, 1));
      },
    });
    const length = await read(stream);
    assert(name === "output" ? length > logged : length === bytes, `${name}: ${length} characters`);
    assertLess(most, bytes * 65_536 / 2, name);
  }
});
