import { encodeContent, encodeContentOf, type Encoding } from "../protocol/body.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

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
  const answer = {
    id: plugin.operationId(operation, acceptedAt),
    keep_ms: plugin.results?.store.limits.keep ?? 0,
  };
  return encodeContentOf(encoding, answer)!;
}

/** The same as a whole body. */
export function acceptedBody(
  encoding: Encoding,
  plugin: RoutedPlugin,
  operation: number,
  acceptedAt: number,
): Uint8Array {
  return encodeContent(encoding, acceptedContent(encoding, plugin, operation, acceptedAt));
}
