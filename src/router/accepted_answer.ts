import { bodyBytes, encodeContent, encodeContentOf, Encoding, writeBody } from "../protocol/body.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

/** Where an answer in JSON is made: its content, then its body. */
const content = new Uint8Array(128);
let body = new Uint8Array(0);

/**
 * What an async caller is told who asks for the id of its operation: that, and for how long what it comes to can be asked for
 * once it has ended, in ms; 0 where the plugin keeps no results.
 *
 * @param acceptedAt monotonic, in ms
 */
export function acceptedContent(
  encoding: Encoding,
  plugin: RoutedPlugin,
  operation: number,
  acceptedAt: number,
): Uint8Array {
  const id = plugin.operationId(operation, acceptedAt);
  return encodeContentOf(encoding, { id, keep_ms: keepOf(plugin) })!;
}

/** The same as a whole body, which is the caller's until the next call. */
export function acceptedBody(
  encoding: Encoding,
  plugin: RoutedPlugin,
  operation: number,
  acceptedAt: number,
): Uint8Array {
  if (encoding !== Encoding.Json) {
    return encodeContent(encoding, acceptedContent(encoding, plugin, operation, acceptedAt));
  }
  // An id is of ASCII, and has 28 characters at most.
  const text = `{"id":"${plugin.operationId(operation, acceptedAt)}","keep_ms":${keepOf(plugin)}}`;
  for (let at = 0; at < text.length; at++) content[at] = text.charCodeAt(at);
  const length = bodyBytes(encoding, text.length);
  if (body.length !== length) body = new Uint8Array(length);
  writeBody(body, 0, encoding, content, 0, text.length);
  return body;
}

function keepOf({ results }: RoutedPlugin): number {
  return results?.store.limits.keep ?? 0;
}
