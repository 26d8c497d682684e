/**
 * The client for TypeScript: `import { Client } from "@mevent/mevent/client"`. Runs on Deno; UDP needs
 * `--unstable-net`.
 *
 * @module
 */
export type { JsonObject, JsonValue } from "../plugin.ts";
export { decodeBody, encodeBody, encodeContent, Encoding } from "../protocol/body.ts";
export { ReplyCode, replyName } from "../protocol/codes.ts";
export { ProtocolError } from "../protocol/errors.ts";
export type { Reply } from "../protocol/reply.ts";
export type { DatagramAddress, ServerAddress, StreamAddress } from "./address.ts";
export { type Answer, type CallOptions, Client, type ClientOptions, type ClientRequest } from "./client.ts";
export { ConnectError, ConnectionLostError, TimeoutError, UnsendableError } from "./errors.ts";
