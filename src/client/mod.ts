/**
 * The client for TypeScript: `import { Client } from "@mevent/mevent/client"` in Deno, where UDP needs `--unstable-net`,
 * and the package `mevent-client` in Node and Bun.
 *
 * @module
 */
export type { ExactNumber, JsonObject, JsonValue } from "../plugin.ts";
export { decodeBody, encodeBody, encodeContent, Encoding } from "../protocol/body.ts";
export { ReplyCode, replyName } from "../protocol/codes.ts";
export { ProtocolError } from "../protocol/errors.ts";
export type { Reply } from "../protocol/reply.ts";
export { type DatagramAddress, parseAddress, type ServerAddress, type StreamAddress } from "./address.ts";
export { Client, type ClientOptions, type EnqueueOptions, type RequestOptions } from "./client.ts";
export type { CommandOf, InputOf, PluginOf, ResultOf } from "./commands.ts";
export {
  type Answer,
  type CallOptions,
  type ClientRequest,
  Connection,
  type ConnectionOptions,
} from "./connection.ts";
export { ConnectError, ConnectionLostError, TimeoutError, UnsendableError } from "./errors.ts";
export type { OperationState } from "./operation.ts";
export {
  ApplicationError,
  AuthError,
  BadParamError,
  BrokenError,
  BusyError,
  DatabaseError,
  FailedError,
  NoMemoryError,
  NoSuchKeyError,
  ReplyError,
  UnknownError,
} from "./reply_error.ts";
export type { TlsOptions } from "./runtime_sockets.ts";
