import { FrameReader } from "../../src/protocol/frame.ts";
import { MINI_REPLY_BYTES, writeReply } from "../../src/protocol/reply.ts";
import { PREFIX_BYTES } from "../../src/protocol/frame.ts";
import { readU32 } from "../../src/protocol/bytes.ts";
import { MAX_REQUEST_ID } from "../../src/protocol/request.ts";

/** Bytes of a bare reply on a stream. */
const REPLY_BYTES = PREFIX_BYTES + MINI_REPLY_BYTES;
const MAX_FRAME = 65_536;

/** Writes a bare 1000 for each message that is complete, into `out`; returns the bytes. */
export function answerAll(reader: FrameReader, out: Uint8Array): number {
  let length = 0;
  while (reader.next() === "message") {
    writeReply(out, length, true, readU32(reader.bytes, reader.at) & MAX_REQUEST_ID, 1000, null);
    length += REPLY_BYTES;
  }
  return length;
}

/** A reader and a buffer that holds the replies to all that it can hold. */
export function buffers(): { reader: FrameReader; out: Uint8Array<ArrayBuffer> } {
  return { reader: new FrameReader(MAX_FRAME), out: new Uint8Array(MAX_FRAME) };
}

/** Answers frames over Deno's own sockets and does nothing else. */
export async function serveWithDeno(port: number, reusePort: boolean): Promise<void> {
  for await (const socket of Deno.listen({ hostname: "127.0.0.1", port, reusePort })) serve(socket);
}

async function serve(socket: Deno.TcpConn): Promise<void> {
  const { reader, out } = buffers();
  socket.setNoDelay(true);
  try {
    while (true) {
      const count = await socket.read(reader.space());
      if (count === null) break;
      reader.received(count);
      const length = answerAll(reader, out);
      for (let sent = 0; sent < length;) sent += await socket.write(out.subarray(sent, length));
    }
  } catch {
    // The client has gone.
  }
  socket.close();
}
