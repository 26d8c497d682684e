import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeContent, Encoding } from "../../src/protocol/body.ts";
import { readU16, readU32 } from "../../src/protocol/bytes.ts";
import { ReplyCode, replyName } from "../../src/protocol/codes.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import {
  contentReplyBytes,
  readReply,
  replyBytes,
  writeContentReply,
  writeReply,
} from "../../src/protocol/reply.ts";
import { FLAG_SYNC, MAX_REQUEST_ID, writeRequest } from "../../src/protocol/request.ts";
import { toHex } from "../support/bytes.ts";

const id = fc.integer({ min: 0, max: MAX_REQUEST_ID });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 200 });

Deno.test("a request lies in its bytes as the protocol says", () => {
  const request = { id: 5, command: 1001, sync: true, plugin: "echo", body: new Uint8Array([0, 0, 0, 0]) };
  assertEquals(
    toHex(writeRequest(request, true)),
    "00000018" + "10000005" + "03e90002" + "00000004" + "6563686f" + "00000000",
  );
  assertEquals(
    toHex(writeRequest(request, false)),
    "10000005" + "03e90002" + "00000004" + "6563686f" + "00000000",
  );
});

Deno.test("every request's fields are where the protocol says", () => {
  const command = fc.integer({ min: 1, max: 0xffff });
  fc.assert(
    fc.property(
      id,
      command,
      fc.boolean(),
      fc.string({ unit: "grapheme" }),
      bytes,
      (id, command, sync, plugin, body) => {
        const message = writeRequest({ id, command, sync, plugin, body }, false);
        const name = new TextEncoder().encode(plugin);
        assertEquals(readU32(message, 0), ((1 << 28) | id) >>> 0);
        assertEquals(readU16(message, 4), command);
        assertEquals(readU16(message, 6), sync ? FLAG_SYNC : 0);
        assertEquals(readU32(message, 8), name.length);
        assertEquals(message.subarray(12, 12 + name.length), name);
        assertEquals(message.subarray(12 + name.length), body);
      },
    ),
  );
});

Deno.test("a mini reply has 12 bytes on a stream and 8 in a datagram", () => {
  const reply = new Uint8Array(12);
  assertEquals(writeReply(reply, 0, true, 1, 1000, null), 12);
  assertEquals(toHex(reply), "0000000c" + "00000001" + "000003e8");
  assertEquals(writeReply(reply, 0, false, 1, 1000, null), 8);
  assertEquals(replyBytes(0, true), 12);
  assertEquals(replyBytes(0, false), 8);
});

Deno.test("a reply that was written is read as it was", () => {
  fc.assert(
    fc.property(
      id,
      u32,
      fc.option(fc.uint8Array({ minLength: 1, maxLength: 99 })),
      fc.boolean(),
      (id, code, body, prefixed) => {
        const length = replyBytes(body === null ? 0 : body.length, prefixed);
        const message = new Uint8Array(length + 7);
        assertEquals(writeReply(message, 7, prefixed, id, code, body), 7 + length);
        if (prefixed) assertEquals(readU32(message, 7), length);
        assertEquals(readReply(message.subarray(prefixed ? 11 : 7)), { id, code, body });
      },
    ),
  );
});

Deno.test("a reply around content is the reply with the body around that content", () => {
  const encoding = fc.constantFrom(Encoding.Hdf, Encoding.Json, Encoding.Cells);
  fc.assert(fc.property(id, u32, encoding, bytes, fc.boolean(), (id, code, encoding, content, prefixed) => {
    const got = new Uint8Array(contentReplyBytes(encoding, content.length, prefixed));
    assertEquals(
      writeContentReply(got, 0, prefixed, id, code, encoding, content, 0, content.length),
      got.length,
    );
    const wanted = new Uint8Array(got.length);
    writeReply(wanted, 0, prefixed, id, code, encodeContent(encoding, content));
    assertEquals(got, wanted);
  }));
});

Deno.test("arbitrary bytes are read as a reply or throw a ProtocolError, nothing else", () => {
  fc.assert(fc.property(bytes, (bytes) => {
    try {
      const { body } = readReply(bytes);
      assert(body === null || body.length === bytes.length - 12);
    } catch (error) {
      assert(error instanceof ProtocolError);
    }
  }));
});

Deno.test("a reply whose body length does not match is refused", () => {
  const reply = new Uint8Array(20);
  writeReply(reply, 0, false, 1, 1000, new Uint8Array(8));
  reply[11] = 9;
  assertThrows(() => readReply(reply), ProtocolError, "body length");
  assertThrows(() => readReply(reply.subarray(0, 7)), ProtocolError, "7 bytes");
  assertThrows(() => readReply(reply.subarray(0, 10)), ProtocolError);
});

Deno.test("every reply code has its name", () => {
  assertEquals(replyName(ReplyCode.Busy), "REP_ERR_BUSY");
  assertEquals(replyName(ReplyCode.Ok), "REP_OK");
  assertEquals(replyName(1001), "success 1001");
  assertEquals(replyName(40), "application error 40");
  for (const code of Object.values(ReplyCode)) {
    if (code !== ReplyCode.FirstApplicationError) assert(replyName(code).startsWith("REP_"), String(code));
  }
});
