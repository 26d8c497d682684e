import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { jsonProblem, utf8Problem } from "../../src/cli/input_problem.ts";
import { replyBytes, shownReply } from "../../src/cli/send/reply.ts";
import { escapeInvisible, invisibleIn, markInvisible } from "../../src/cli/invisible_characters.ts";
import { encodeBody, encodeContent, Encoding } from "../../src/protocol/body.ts";
import { mevent, TestServer, TWO_PLUGINS } from "../support/mevent.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const BOM = "\uFEFF";
const JSON_BODY = (text: string) => encodeContent(Encoding.Json, bytes(text));
const HDF_BODY = (text: string) => encodeContent(Encoding.Hdf, bytes(text));

Deno.test("what nobody sees is escaped in JSON and keeps its value, marked in HDF for people, and named on stderr", () => {
  const unseen = [
    BOM,
    "\u200B",
    "\u00A0",
    "\u3000",
    "\u00AD",
    "\u200E",
    "\u2028",
    "\u0085",
    "\u007F",
    "\u{E0041}",
  ];
  for (const character of unseen) {
    const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
    const value = { [`${character}name`]: `a${character}b` };
    for (const forPeople of [false, true]) {
      const { text, note } = shownReply(JSON_BODY(JSON.stringify(value)), forPeople);
      assertEquals(JSON.parse(text), value);
      assertEquals(text.includes(character), false, code);
      assertStringIncludes(note, `not seen: ${code}; --raw`);
    }
    const hdf = `name = a${character}b\n`;
    assertEquals(shownReply(HDF_BODY(hdf), false).text, hdf);
    assertEquals(shownReply(HDF_BODY(hdf), true).text, `name = a<${code}>b\n`);
    assertStringIncludes(shownReply(HDF_BODY(hdf), false).note, code);
  }
  for (const plain of ["Zoë 🐿", "漢字", "tab\tand\nlines", "", "a b"]) {
    assertEquals([markInvisible(plain), invisibleIn(plain)], [plain, ""]);
    assertEquals(shownReply(JSON_BODY(JSON.stringify({ plain })), false).note, "");
  }
});

Deno.test("escaping changes no JSON value", () => {
  fc.assert(fc.property(fc.json({ stringUnit: "binary" }), (json) => {
    assertEquals(JSON.parse(escapeInvisible(json)), JSON.parse(json));
    assertEquals(invisibleIn(escapeInvisible(json)), "");
  }));
});

Deno.test("a byte order mark at the start of a reply is neither dropped nor hidden", () => {
  for (const body of [HDF_BODY(`${BOM}a = 1\n`), JSON_BODY(`${BOM}{"a":1}`)]) {
    const shown = shownReply(body, false);
    assert(shown.text.startsWith(BOM));
    assertStringIncludes(shown.note, "U+FEFF");
    assert(shownReply(body, true).text.startsWith("<U+FEFF>"));
  }
});

Deno.test("a reply that is not UTF-8 is told of, and its bytes can be had", () => {
  const latin1 = new Uint8Array([...bytes("name = Zo"), 0xeb, 0x0a]);
  const body = encodeContent(Encoding.Hdf, latin1);
  const { text, note } = shownReply(body, false);
  assertEquals(text, "name = Zo\uFFFD\n");
  assertMatch(note, /^the reply is not UTF-8: .*--raw prints its bytes$/);
  assertEquals(replyBytes(body), latin1);
  const cells = encodeBody(Encoding.Json, { a: [1] });
  assertEquals(new TextDecoder().decode(replyBytes(cells)), '{"a":[1]}');
});

Deno.test("send shows what was received, and with --raw its bytes as they came", async () => {
  await using server = await TestServer.start();
  const to = ["send", "--biz", "echo", "--cmd", "1001", "--port", String(server.tcpPort)];
  const json = '{"a\u200B": "b\u00A0"}';
  const shown = await mevent([...to, "--json", json]);
  assertEquals(shown.stdout, '{"a\\u200b": "b\\u00a0"}\n');
  assertMatch(
    shown.stderr,
    /^1000 .*\nmevent send: the reply has characters that are not seen: U\+200B, U\+00A0; --raw/,
  );
  const raw = await mevent([...to, "--json", json, "--raw"]);
  assertEquals([raw.stdout, raw.stderr.split("\n").length], [json, 2]);
  assertEquals((await mevent([...to, "--raw", "--count", "2"])).code, 64);
  // What an editor has put in front is no part of the params.
  assertEquals((await mevent([...to, "--json", "-"], { stdin: `${BOM}{"a":1}` })).stdout, '{"a":1}\n');
  assertEquals((await mevent([...to, "--hdf", "-"], { stdin: `${BOM}a = 1\n` })).stdout, "a = 1\n");
});

Deno.test("who sends to a plugin that is not there is told which are, whatever the params are written in", async () => {
  await using server = await TestServer.start(TWO_PLUGINS);
  const to = ["send", "--biz", "ehco", "--cmd", "1001", "--port", String(server.tcpPort)];
  for (const params of [["a=1"], ["--hdf", "-"]]) {
    const { code, stderr } = await mevent([...to, ...params], { stdin: "a = 1\n" });
    assertEquals(code, 65);
    assertMatch(stderr, /^18 REP_ERR_UNKREQ in .*: there is no .*plugin.*; there is skeleton, echo\n/);
  }
});

Deno.test("what is wrong with a file of params is told with its line and place", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-params-" });
  const file = `${folder}/params`;
  const to = ["send", "--biz", "echo", "--cmd", "1001", "--port", "1"];
  const latin1 = new Uint8Array([...bytes('{\n"ä": "Zo'), 0xeb, ...bytes('"}')]);
  const cases: [content: Uint8Array | string, problem: string][] = [
    [latin1, "line 2, byte 10: 0xEB is not UTF-8; where the text is in another encoding, iconv"],
    [new Uint8Array([0xff, 0xfe, 0x7b, 0]), "line 1, byte 1: 0xFF is not UTF-8"],
    [
      '{"a": 1,\n "b": 2,}',
      'not JSON: line 2, character 9: unexpected "}": expected double-quoted property name',
    ],
    ['{"a":\n  trux}', 'not JSON: line 2, character 6: unexpected "x"'],
    ['{"a": 1', "not JSON: line 1, character 8: the text ends too soon"],
    ["", "not JSON: line 1, character 1: the text ends too soon"],
  ];
  for (const [content, problem] of cases) {
    await Deno.writeFile(file, typeof content === "string" ? bytes(content) : content);
    const { code, stderr } = await mevent([...to, "--json", `@${file}`]);
    assertEquals(code, 65);
    assertStringIncludes(stderr, `mevent send: --json @${file}: ${problem}`);
  }
  await Deno.writeFile(file, latin1);
  assertStringIncludes(
    (await mevent([...to, "--hdf", file])).stderr,
    `--hdf ${file}: line 2, byte 10: 0xEB is not`,
  );
  for (
    const [path, reason] of [[`${file}.no`, "there is no such file or folder"], [folder, "it is a folder"]]
  ) {
    for (const flag of [["--json", `@${path}`], ["--hdf", path!]]) {
      const { code, stderr } = await mevent([...to, ...flag]);
      assertEquals([code, stderr], [65, `mevent send: cannot read ${path}: ${reason}\n`]);
    }
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the place of a wrong byte is that of the first one, wherever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()), fc.nat(), (text, at) => {
      const good = bytes(text);
      assertEquals(utf8Problem(good), null);
      const characters = [...text].slice(0, at % ([...text].length + 1)).join("");
      const before = bytes(characters);
      const [line, byte] = [
        before.filter((each) => each === 10).length + 1,
        before.length - before.lastIndexOf(10),
      ];
      const wrong = new Uint8Array([...before, 0xff, ...good.subarray(before.length)]);
      assertStringIncludes(utf8Problem(wrong) ?? "", `line ${line}, byte ${byte}: 0xFF`);
    }),
  );
});

Deno.test("the place of what makes a text no JSON is found where the parser does not say it", () => {
  fc.assert(fc.property(fc.json(), fc.nat(), (json, at) => {
    // A character that no JSON has outside of a text; within one it is no error.
    const cut = at % (json.length + 1);
    const wrong = `${json.slice(0, cut)}\u0001${json.slice(cut)}`;
    try {
      JSON.parse(wrong);
    } catch (error) {
      assertStringIncludes(
        jsonProblem(wrong, error),
        `character ${[...json.slice(0, cut)].length + 1}: unexpected "\\u0001"`,
      );
    }
  }));
});
