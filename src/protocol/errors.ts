import { ReplyCode } from "./codes.ts";
import type { ContentLimit } from "./content_limits.ts";

/** A message that cannot be decoded or a value that cannot be encoded; `code` is what the caller is answered. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  /** @param limit the limit that the content went over, where that is what is wrong */
  constructor(message: string, readonly code: number = ReplyCode.Broken, readonly limit?: ContentLimit) {
    super(message);
  }
}
