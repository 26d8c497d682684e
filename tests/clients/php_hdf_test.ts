import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseJson, stringifyJson } from "../../src/exact_json.ts";
import { hdfToJson, jsonToHdf } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { HAS_PHP, PHP_NOTE, phpText, phpValue } from "../support/php.ts";

/** Whole numbers in digits that are beyond 64 bits are texts to PHP. */
const isDoubleInPhp = (number: number) => Math.abs(number) < 2 ** 63 || Math.abs(number) >= 1e21;

const text = fc.oneof(
  fc.array(
    fc.constantFrom(
      ...' \t\r\n\n\v\f=:{}[]#"\\<_09aé键😀',
      "EOM",
      "\nEOM1\n",
      "#include ",
      " := ",
      " << EOM\n",
    ),
    { maxLength: 20 },
  ).map((parts) => parts.join("")),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((string) => string.replaceAll("\0", "0")),
);
// Names of digits alone are lists' to PHP.
const name = fc.string({ unit: fc.constantFrom(..."abzAZ019_é键😀"), maxLength: 8 }).map((rest) =>
  `k${rest}`
);
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isDoubleInPhp).map((number) => number + 0),
);
const { object } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("value"), { maxLength: 4 }), tie("object")),
  // An empty array is a list to PHP.
  object: fc.dictionary(name, tie("value"), { minKeys: 1, maxKeys: 5 }),
}));

Deno.test({
  name: `the PHP client reads and writes HDF as the server does${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const texts = fc.sample(object, { numRuns: 500, seed: 15 }).map((value) => writeHdf(jsonToHdf(value)));
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, JSON.stringify(texts));
    const both = await phpValue(
      `$read = array_map(fn ($text) => Mevent\\Hdf::toArray(Mevent\\HdfReader::text($text)), json_decode(file_get_contents(${
        phpText(file)
      })));
      return [$read, array_map(fn ($array) => Mevent\\Hdf::write(Mevent\\Hdf::fromArray($array), true), $read)];`,
    );
    await Deno.remove(file);
    const [read, written] = both as [JsonObject[], string[]];
    // Numbers as what they are, however they are spelled.
    const same = (value: JsonValue) => parseJson(stringifyJson(value)!);
    for (const [index, hdf] of texts.entries()) {
      const wanted = hdfToJson(parseHdf(hdf));
      assertEquals(same(read[index]!), same(wanted), hdf);
      assertEquals(
        hdfToJson(parseHdf(written[index]!)),
        hdfToJson(parseHdf(writeHdf(jsonToHdf(wanted)))),
        written[index],
      );
    }
  },
});

interface Exchange {
  readonly transport: string;
  readonly name: string;
  readonly expect: string;
  readonly request_hex: string;
  readonly reply_hex: string | null;
}

Deno.test({
  name: `the PHP client writes recorded requests byte for byte, and reads every recorded reply${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const path = new URL("../golden/exchanges.json", import.meta.url);
    const recorded = (JSON.parse(await Deno.readTextFile(path)) as Exchange[]).filter(({ transport, name }) =>
      transport === "udp" && name.startsWith("libmevent")
    );
    const params: Readonly<Record<string, string>> = {
      "libmevent sync echo flat": "['a' => '1', 'name' => 'bob', 'x_y' => 'z9']",
      "libmevent sync echo node with value and child": "['n' => ['' => 'val', 'c' => 'child']]",
      "libmevent sync echo utf8 chinese key": "['键' => '值']",
      "libmevent sync echo newline value": "['nl' => \"l1\\nl2\"]",
      "libmevent sync echo empty body (no hdf child)": "[]",
    };
    const names = Object.keys(params);
    const requests = recorded.filter(({ name }) => names.includes(name));
    assertEquals(requests.length, names.length);
    const written = await phpValue(`return [${
      requests.map((each) => {
        const id = new DataView(Uint8Array.fromHex(each.request_hex).buffer).getUint32(0) & 0x0fffffff;
        return `bin2hex(Mevent\\Wire::request(${id}, 'echo', 1001, 2, Mevent\\Wire::body('hdf', ${
          params[each.name]
        })))`;
      })
    }];`);
    assertEquals(written, requests.map((each) => each.request_hex));
    const replies = recorded.filter(({ reply_hex, expect }) => reply_hex !== null && expect !== "differs");
    assert(replies.length > 20);
    const read = await phpValue(
      `return array_map(function ($hex) { $reply = Mevent\\Wire::reply(hex2bin($hex)); return [$reply->id, $reply->code, $reply->text]; },
        json_decode(${phpText(JSON.stringify(replies.map((each) => each.reply_hex)))}));`,
    );
    for (const [index, each] of replies.entries()) {
      const bytes = Uint8Array.fromHex(each.reply_hex!);
      const view = new DataView(bytes.buffer);
      // The text lies between the cell's head of 16 bytes and the NUL with the EOF cell.
      const hdf = bytes.length > 8 ? new TextDecoder().decode(bytes.subarray(28, bytes.length - 5)) : "";
      assertEquals((read as JsonValue[])[index], [view.getUint32(0), view.getUint32(4), hdf], each.name);
    }
  },
});

Deno.test({
  name:
    `no bytes make the PHP client warn or die: they are read, or refused with an exception of its own${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const path = new URL("../golden/exchanges.json", import.meta.url);
    const value = await phpValue(`
      set_error_handler(fn ($level, $message) => throw new ErrorException($message));
      mt_srand(15);
      $exchanges = array_filter(json_decode(file_get_contents(${
      phpText(path.pathname)
    })), fn ($each) => $each->transport === 'udp');
      $seeds = array_values(array_filter(array_merge(array_column($exchanges, 'request_hex'), array_column($exchanges, 'reply_hex'))));
      $counts = ['read' => 0, 'refused' => 0];
      for ($i = 0; $i < 10000; $i++) {
        $bytes = hex2bin($seeds[$i % count($seeds)]);
        for ($change = mt_rand(0, 4); $change > 0 && $bytes !== ''; $change--) {
          $at = mt_rand(0, strlen($bytes) - 1);
          $bytes = match (mt_rand(0, 3)) {
            0 => substr_replace($bytes, chr(mt_rand(0, 255)), $at, 1),
            1 => substr_replace($bytes, ['[', '{', '}', "\\n", ':', '<<', '.', '#include "x"', "\\0", '"', '\\\\'][mt_rand(0, 10)], $at, 0),
            2 => substr($bytes, 0, $at),
            3 => substr_replace($bytes, substr($bytes, mt_rand(0, $at), mt_rand(0, 40)), $at, 0),
          };
        }
        if (!in_array(mevent_decode($bytes)['code'], [0, 1000], true)) throw new Exception('decode');
        try {
          Mevent\\Wire::reply($bytes)->result();
          $counts['read']++;
        } catch (Mevent\\ProtocolException) {
          $counts['refused']++;
        }
      }
      return $counts;`);
    const { read, refused } = value as { read: number; refused: number };
    assert(read > 500 && refused > 500, JSON.stringify(value));
  },
});
