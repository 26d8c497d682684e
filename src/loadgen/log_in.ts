import { replyError } from "../client/reply_error.ts";
import { decodeBody, encodeBody, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { FrameReader } from "../protocol/frame.ts";
import { readReply } from "../protocol/reply.ts";
import { writeRequest } from "../protocol/request.ts";

const MAX_REPLY_BYTES = 64 * 1024;

/** Logs in on a connection that nothing was sent on. Throws AuthError where that is refused, and the system's error. */
export async function logIn(conn: Deno.Conn, token: string, timeoutMs: number): Promise<void> {
  const body = encodeBody(Encoding.Json, { token });
  let request = writeRequest({ id: 1, plugin: "Reserve.Auth", command: 1, sync: true, body }, true);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    conn.close();
  }, timeoutMs);
  try {
    while (request.length > 0) request = request.subarray(await conn.write(request));
    const frames = new FrameReader(MAX_REPLY_BYTES);
    while (frames.next() !== "message") {
      const count = await conn.read(frames.space());
      if (count === null) throw new Error("the server closed the connection at the login");
      frames.received(count);
    }
    const reply = readReply(frames.bytes.subarray(frames.at, frames.at + frames.length));
    if (reply.code < ReplyCode.Ok) throw replyError(reply.code, decodeBody(reply.body), "the login");
  } catch (error) {
    if (isLate) throw new Error(`the login was not answered within ${timeoutMs} ms`);
    conn.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
