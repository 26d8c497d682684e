import type { JsonValue } from "../../src/plugin.ts";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { PREFIX_BYTES } from "../../src/protocol/frame.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";

const RECORDED = new URL("../../tests/golden/exchanges.json", import.meta.url);
/** Shorter messages have nothing left to change. */
const MIN_BYTES = 8;

/** What a caller might send, to each plugin of the fuzzed server. */
const PARAMS: readonly JsonValue[] = [
  {},
  { uid: 7, name: "Ann", "mevent.key": "k", "mevent.delay": 0.001 },
  { text: "t", int: -5, number: 0.5, bool: true, list: [1, "two", [3]], nested: { a: { b: { c: "d" } } } },
  {
    text: "e\u0301\u{1f600}\n<<EOM\nEOM\n",
    int: "12",
    long: "9007199254740993",
    empty: "",
    array: [],
    object: {},
  },
  { cachekey: "k", cacheval: "v", expire: 1, ms: 1 },
];
const TARGETS: readonly [plugin: string, commands: readonly number[]][] = [
  ["echo", [1001, 1002, 1003]],
  ["3", [1001]],
  ["params", [1001, 1002, 1003, 1004]],
  ["skeleton", [100, 101, 102, 103, 1000]],
  ["Reserve.Status", [1]],
  ["Reserve.Stats", [1]],
];

/** Requests without a prefix: those recorded with the C daemon, and own ones in all three encodings. */
export async function readCorpus(): Promise<Uint8Array[]> {
  const exchanges: { transport: string; request_hex: string }[] = JSON.parse(
    await Deno.readTextFile(RECORDED),
  );
  const recorded = exchanges.flatMap(({ transport, request_hex }) => {
    const bytes = Uint8Array.fromHex(request_hex);
    return transport === "udp" ? [bytes] : frames(bytes);
  });
  return [...recorded.filter(({ length }) => length >= MIN_BYTES), ...ownRequests()];
}

function frames(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const total = Math.max(PREFIX_BYTES, view.getUint32(at));
    messages.push(bytes.subarray(at + PREFIX_BYTES, at + total));
    at += total;
  }
  return messages;
}

function ownRequests(): Uint8Array[] {
  const requests: Uint8Array[] = [];
  for (const [plugin, commands] of TARGETS) {
    for (const command of commands) {
      for (const params of PARAMS) {
        for (const encoding of Object.values(Encoding)) {
          const body = bodyOf(encoding, params);
          const sync = requests.length % 2 === 0;
          if (body !== null) {
            requests.push(writeRequest({ id: requests.length, command, sync, plugin, body }, false));
          }
        }
      }
    }
  }
  return requests;
}

/** Null where the encoding cannot say it. */
function bodyOf(encoding: Encoding, params: JsonValue): Uint8Array | null {
  try {
    return encodeBody(encoding, params);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
