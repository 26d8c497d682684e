import { ReplyCode } from "../../src/protocol/codes.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { readReply } from "../../src/protocol/reply.ts";
import { MAX_REQUEST_ID } from "../../src/protocol/request.ts";

/** A reply that no server may send, whatever it was sent. */
export class IllFormedReply extends Error {
  override readonly name = "IllFormedReply";
}

/** Throws IllFormedReply where the message is no reply of the protocol. */
export function checkReply(message: Uint8Array, transport: string): void {
  try {
    const { id, code } = readReply(message);
    if (id <= MAX_REQUEST_ID && code >= ReplyCode.Error) return;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new IllFormedReply(
    `a reply over ${transport} is none of the protocol: ${message.subarray(0, 64).toHex()}`,
  );
}
