import { bodyBytes, BodyView, encodeContent, type Encoding } from "../protocol/body.ts";
import type { Charset } from "../protocol/charset.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { errorContent } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { contentFromUtf8 } from "../protocol/transcode.ts";

/** What a reply is to carry; encoding 0 is a bare code. */
export interface Carried {
  readonly code: number;
  readonly encoding: Encoding | 0;
  readonly content: Uint8Array;
}

/** The same, not empty. */
interface CarriedContent extends Carried {
  readonly encoding: Encoding;
}

const NOTHING = new Uint8Array(0);

/**
 * What takes the place of a reply whose body has more than `most` bytes: code 22, or the error's own, with the first of the
 * sentences that fits. Without a body where none does.
 */
export function smallerReply(
  code: number,
  encoding: Encoding,
  most: number,
  ...sentences: readonly string[]
): Carried {
  const error = code < ReplyCode.Ok ? code : ReplyCode.Pack;
  for (const sentence of sentences) {
    const content = errorContent(encoding, error, sentence);
    if (bodyBytes(encoding, content.length) <= most) return { code: error, encoding, content };
  }
  return { code: error, encoding: 0, content: NOTHING };
}

/** A reply's content as the charset writes it; 22 with a sentence where it cannot. */
export function inCharset(
  charset: Charset | null,
  code: number,
  encoding: Encoding,
  content: Uint8Array,
): CarriedContent {
  if (charset === null) return { code, encoding, content };
  try {
    return { code, encoding, content: contentFromUtf8(charset, code, encoding, content) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return {
      code: ReplyCode.Pack,
      encoding,
      content: errorContent(encoding, ReplyCode.Pack, error.message),
    };
  }
}

/** How a body is written, and its content. */
export function contentOf(body: Uint8Array): { encoding: Encoding; content: Uint8Array } {
  const view = new BodyView(HIGHEST_CONTENT_LIMITS);
  view.locate(body, 0, body.length);
  return { encoding: view.encoding, content: body.subarray(view.at, view.at + view.length) };
}

/** The body around what is carried; null for a bare code. */
export function bodyOf({ encoding, content }: Carried): Uint8Array | null {
  return encoding === 0 ? null : encodeContent(encoding, content);
}
