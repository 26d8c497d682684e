import { assertEquals, assertMatch } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { livesRequest } from "./lives_plugin.ts";
import type { RawConnection } from "./raw_connection.ts";
import { messageOf, type RequestOptions, streamRequest, valueOf } from "./requests.ts";

/** Sends an async operation and returns the id that it is told. */
export async function enqueued(connection: RawConnection, options: RequestOptions = {}): Promise<string> {
  await connection.send(livesRequest({ sync: false, wantsId: true, ...options }));
  return acceptedId(await connection.reply());
}

/** The id that an async caller was told. */
export function acceptedId(reply: Reply): string {
  assertEquals(reply.code, 1000);
  const { id, keep_ms } = valueOf(reply) as JsonObject;
  assertMatch(String(id), /^[0-9a-f]{12}-[0-9a-z]+-[0-9a-z]+$/);
  assertEquals(typeof keep_ms, "number");
  return String(id);
}

/** A request for the state of an operation. */
export function resultRequest(params: JsonValue, options: RequestOptions = {}): Uint8Array {
  return streamRequest({ plugin: "Reserve.Result", command: 1, params, ...options });
}

/** The state of an operation, after so many seconds at most. */
export async function stateOf(connection: RawConnection, id: string, wait = 0): Promise<JsonObject> {
  await connection.send(resultRequest({ id, wait }));
  const reply = await connection.reply();
  assertEquals(reply.code, 1000, messageOf(reply));
  return valueOf(reply) as JsonObject;
}
