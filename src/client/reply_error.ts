import type { JsonValue } from "../plugin.ts";
import { ReplyCode, replyName } from "../protocol/codes.ts";

/** The server answered with a code below 1000; one class for each kind. The message is the server's sentence, where it sent one. */
export class ReplyError extends Error {
  override readonly name: string = "ReplyError";

  /** `value` is the decoded body of the reply, undefined where it had none. */
  constructor(readonly code: number, message: string, readonly value?: JsonValue) {
    super(message);
  }
}

/** 13: nobody without a login, or without the right to it, gets this done. */
export class AuthError extends ReplyError {
  override readonly name = "AuthError";
}

/** 14: the plugin failed without a code of its own, or was not done in its time. */
export class FailedError extends ReplyError {
  override readonly name = "FailedError";
}

/** 15, 17, 22: the server, or its reply, does not fit this protocol: another version, a message that is broken or too long. */
export class BrokenError extends ReplyError {
  override readonly name = "BrokenError";
}

/** 18: there is no such plugin, or it has no such command. */
export class UnknownError extends ReplyError {
  override readonly name = "UnknownError";
}

/** 19: the server has no memory for it at the moment. */
export class NoMemoryError extends ReplyError {
  override readonly name = "NoMemoryError";
}

/** 20: the plugin's database failed. */
export class DatabaseError extends ReplyError {
  override readonly name = "DatabaseError";
}

/** 21: the plugin's queue is full, or a rate is exceeded. Nothing was done: it may be sent again later. */
export class BusyError extends ReplyError {
  override readonly name = "BusyError";
}

/** 23: a param is missing or wrong. */
export class BadParamError extends ReplyError {
  override readonly name = "BadParamError";
}

/** 24: there is no such key, or no such operation. */
export class NoSuchKeyError extends ReplyError {
  override readonly name = "NoSuchKeyError";
}

/** 25 to 999: an error of the plugin's own. */
export class ApplicationError extends ReplyError {
  override readonly name = "ApplicationError";
}

type Kind = new (code: number, message: string, value?: JsonValue) => ReplyError;

const KINDS = new Map<number, Kind>([
  [ReplyCode.Auth, AuthError],
  [ReplyCode.Error, FailedError],
  [ReplyCode.Version, BrokenError],
  [ReplyCode.Broken, BrokenError],
  [ReplyCode.Unknown, UnknownError],
  [ReplyCode.Memory, NoMemoryError],
  [ReplyCode.Database, DatabaseError],
  [ReplyCode.Busy, BusyError],
  [ReplyCode.Pack, BrokenError],
  [ReplyCode.BadParam, BadParamError],
  [ReplyCode.CacheMiss, NoSuchKeyError],
]);

/** The error that a reply of such a code is; `what` was asked, for the message. */
export function replyError(code: number, value: JsonValue | undefined, what: string): ReplyError {
  const isOwn = code >= ReplyCode.FirstApplicationError && code < ReplyCode.Ok;
  const Kind = KINDS.get(code) ?? (isOwn ? ApplicationError : ReplyError);
  const told = child(child(value, "Output"), "errmsg");
  const name = isOwn ? String(code) : `${code} ${replyName(code)}`;
  const why = typeof told === "string" ? `${name}: ${told}` : isOwn ? replyName(code) : name;
  return new Kind(code, `${what}: ${why}`, value);
}

function child(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value[key] : undefined;
}
