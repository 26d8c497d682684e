import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { HttpError } from "./http_error.ts";
import type { RequestHead } from "./request_head.ts";

/** As W3C's Trace Context writes it; version ff is none, and only versions after 00 may have more behind the flags. */
const TRACE_PARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}((?<!^00.*)-.*)?$/;

/**
 * The params that a request's headers stand for, as members of a JSON object: `Idempotency-Key` is `mevent.key`, `traceparent`
 * is `mevent.traceparent` where the plugin wants it. Null where there is none. Throws HttpError where the key is wrong, or
 * would not be heeded.
 */
export function membersOf(head: RequestHead, find: () => RoutedPlugin | null): Uint8Array | null {
  const key = head.header("idempotency-key");
  const trace = head.header("traceparent");
  if (key === null && trace === null) return null;
  const plugin = find();
  // The router will say that there is none.
  if (plugin === null) return null;
  const members: string[] = [];
  if (key !== null) {
    if (plugin.duplicates === null) {
      throw new HttpError(
        400,
        `plugin ${plugin.name} remembers no keys: leave the Idempotency-Key out, or set its dedup.window`,
      );
    }
    members.push(`"mevent.key":${JSON.stringify(keyOf(key))}`);
  }
  if (trace !== null && plugin.takesTrace && TRACE_PARENT.test(trace)) {
    members.push(`"mevent.traceparent":${JSON.stringify(trace)}`);
  }
  return members.length === 0 ? null : new TextEncoder().encode(members.join(","));
}

/** The key as it stands; one that is quoted, as the header's draft has it, without its quotes. */
function keyOf(header: string): string {
  const text = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1]?.replace(/\\(["\\])/g, "$1") ?? header;
  if (text === "" || /[^\x20-\x7e]/.test(text)) {
    throw new HttpError(400, "the Idempotency-Key is to be a text of visible ASCII characters");
  }
  return text;
}
