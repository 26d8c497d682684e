import { readU32 } from "../protocol/bytes.ts";
import type { FrameReader } from "../protocol/frame.ts";
import { REQUEST_HEADER_BYTES, VERSION } from "../protocol/request.ts";

/** What says of a message that is too long whose it is and how it is written: the header, the name, the first cell's. */
const LONG_NAME_BYTES = 256;
const CELL_HEADER_BYTES = 16;
/** Of these, what tells the id and whether it is sync. */
const FLAGS_END = 8;

/** Whether more of a message that is too long would say better how to answer it. */
export function needsMore({ bytes, at, length, announced, maxFrame }: FrameReader): boolean {
  if (announced <= maxFrame) return false;
  if (length > 0 && bytes[at]! >>> 4 !== VERSION) return false;
  const nameLength = length < REQUEST_HEADER_BYTES ? 0 : readU32(bytes, at + FLAGS_END);
  return length < REQUEST_HEADER_BYTES + Math.min(nameLength, LONG_NAME_BYTES) + CELL_HEADER_BYTES;
}

/** Whether enough of a message that is too long has come to answer it. */
export function isAnswerable({ bytes, at, length, announced, maxFrame }: FrameReader): boolean {
  return announced > maxFrame && length >= FLAGS_END && bytes[at]! >>> 4 === VERSION;
}
