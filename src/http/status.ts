import { ReplyCode } from "../protocol/codes.ts";
import { isTimeOut } from "../protocol/time_out_text.ts";

/** What a login, or a right, is refused with on the wire. */
const AUTH = 13;
/** The codes of plugins' own errors: from FirstApplicationError to this. */
const LAST_APPLICATION_ERROR = 999;

const STATUSES = new Map<number, number>([
  [AUTH, 403],
  [ReplyCode.Broken, 400],
  [ReplyCode.Unknown, 404],
  [ReplyCode.Memory, 503],
  [ReplyCode.Database, 502],
  [ReplyCode.Busy, 503],
  [ReplyCode.BadParam, 400],
  [ReplyCode.CacheMiss, 404],
]);

const PHRASES = new Map<number, string>([
  [200, "OK"],
  [202, "Accepted"],
  [204, "No Content"],
  [304, "Not Modified"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [406, "Not Acceptable"],
  [408, "Request Timeout"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [415, "Unsupported Media Type"],
  [417, "Expectation Failed"],
  [422, "Unprocessable Content"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
]);

/** The status of a reply code; `message` tells whether code 14 was a time-out. */
export function statusOf(code: number, message = ""): number {
  if (code >= ReplyCode.Ok) return 200;
  if (code >= ReplyCode.FirstApplicationError && code <= LAST_APPLICATION_ERROR) return 422;
  if (code === ReplyCode.Error && isTimeOut(message)) return 504;
  return STATUSES.get(code) ?? 500;
}

/** The name of a status, as the response's first line has it. */
export function phraseOf(status: number): string {
  return PHRASES.get(status) ?? "Unknown";
}
