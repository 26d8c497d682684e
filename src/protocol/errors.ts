import { ReplyCode } from "./codes.ts";

/** A message that cannot be decoded or a value that cannot be encoded; `code` is what the caller is answered. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  constructor(message: string, readonly code: number = ReplyCode.Broken) {
    super(message);
  }
}
