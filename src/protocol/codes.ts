/** The reply codes of the wire protocol. */
export const ReplyCode = {
  /** Nobody who has not logged in, or without the right to it, gets this done. */
  Auth: 13,
  /** The plugin failed without a code of its own. */
  Error: 14,
  /** The protocol version is not 1. */
  Version: 15,
  /** Client side: the request could not be sent. */
  Send: 16,
  /** The message cannot be decoded. */
  Broken: 17,
  /** No such plugin, or the plugin has no such command. */
  Unknown: 18,
  /** No memory for it. */
  Memory: 19,
  /** A plugin's database failed. */
  Database: 20,
  /** The plugin's queue is full. */
  Busy: 21,
  /** The reply does not fit a message. */
  Pack: 22,
  /** A parameter is missing or wrong. */
  BadParam: 23,
  /** No such key in the plugin's cache. */
  CacheMiss: 24,
  /** The first code of a plugin's own errors, up to 999. */
  FirstApplicationError: 25,
  /** Done; a plugin's own kinds of success lie above. */
  Ok: 1000,
} as const;

const NAMES = new Map<number, string>([
  [ReplyCode.Auth, "REP_ERR_AUTH"],
  [ReplyCode.Error, "REP_ERR"],
  [ReplyCode.Version, "REP_ERR_VER"],
  [ReplyCode.Send, "REP_ERR_SEND"],
  [ReplyCode.Broken, "REP_ERR_BROKEN"],
  [ReplyCode.Unknown, "REP_ERR_UNKREQ"],
  [ReplyCode.Memory, "REP_ERR_MEM"],
  [ReplyCode.Database, "REP_ERR_DB"],
  [ReplyCode.Busy, "REP_ERR_BUSY"],
  [ReplyCode.Pack, "REP_ERR_PACK"],
  [ReplyCode.BadParam, "REP_ERR_BADPARAM"],
  [ReplyCode.CacheMiss, "REP_ERR_CACHE_MISS"],
]);

/** The protocol's name of a reply code: `REP_ERR_BUSY`, `REP_OK`, `application error 40`. */
export function replyName(code: number): string {
  if (code >= ReplyCode.Ok) return code === ReplyCode.Ok ? "REP_OK" : `success ${code}`;
  return NAMES.get(code) ?? `application error ${code}`;
}
