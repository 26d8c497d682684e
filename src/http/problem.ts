import { Encoding } from "../protocol/body.ts";
import { ReplyCode, replyName } from "../protocol/codes.ts";
import { convertContent } from "../protocol/convert.ts";
import { isTable } from "./is_table.ts";
import { phraseOf, statusOf } from "./status.ts";

/** The media type of a response that tells of an error, RFC 9457. */
export const PROBLEM_TYPE = "application/problem+json";

/** What is told of an error of an operation. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  /** The plugin's stack trace, where its config exposes it. */
  readonly trace?: string;
}

const decoder = new TextDecoder();

/** What an error reply's content says; the content is copied. */
export function failureOf(
  code: number,
  encoding: Encoding | 0,
  bytes: Uint8Array,
  at: number,
  length: number,
): Failure {
  const output = encoding === 0 ? {} : outputOf(encoding, bytes.slice(at, at + length));
  const message = typeof output["errmsg"] === "string" ? output["errmsg"] : replyName(code);
  const trace = output["errtrace"];
  const failure = { status: statusOf(code, message), message };
  return typeof trace === "string" ? { ...failure, trace } : failure;
}

/** The members of `Output` in an error's content; none where it has another form. */
function outputOf(encoding: Encoding, content: Uint8Array): Record<string, unknown> {
  const text = decoder.decode(convertContent(encoding, Encoding.Json, content) ?? new Uint8Array(0));
  const error: unknown = text === "" ? {} : JSON.parse(text);
  const output = isTable(error) ? error["Output"] : undefined;
  return isTable(output) ? output : {};
}

/** The body of a response that tells of an operation's error. */
export function operationProblem(code: number, failure: Failure, where: string): string {
  const { status, message, trace } = failure;
  return JSON.stringify({
    type: "about:blank",
    title: phraseOf(status),
    status,
    detail: message,
    code,
    name: replyName(code),
    where,
    ...trace === undefined ? {} : { trace },
  });
}

/** The body of a response that tells what is wrong with a request. */
export function requestProblem(status: number, message: string): string {
  return JSON.stringify({ type: "about:blank", title: phraseOf(status), status, detail: message });
}

/** When an operation that was refused may be tried again, in seconds; null where that is of no use. */
export function retryAfter(code: number): number | null {
  return code === ReplyCode.Busy ? 1 : null;
}
