import { keyText } from "../exact_number.ts";
import { decodeContent, type Encoding, jsonText } from "../protocol/body.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { paramsOf } from "../protocol/params_of.ts";
import { findParam } from "../protocol/find_param.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import { hashOf } from "./hash.ts";

const encoder = new TextEncoder();

/**
 * Chooses the part of a queue, and with it the worker, by one param: operations with the same value run in order on the
 * same worker. It costs the main thread the decoding of the params.
 */
export class Affinity {
  /** @param param key or path of the param */
  constructor(readonly param: string, readonly queue: OperationQueue, readonly limits: ContentLimits) {}

  /** Without the param, or with params that do not decode (the worker will say so), the part that waits least. */
  partOf(encoding: Encoding, bytes: Uint8Array, at: number, length: number): number {
    const { parts } = this.queue;
    const key = this.#keyOf(encoding, bytes.subarray(at, at + length));
    if (key !== undefined) return (hashOf(key, 0, key.length) >>> 0) % parts.length;
    let best = 0;
    let least = Infinity;
    for (const [index, [sync, async]] of parts.entries()) {
      if (sync.waiting + async.waiting >= least) continue;
      least = sync.waiting + async.waiting;
      best = index;
    }
    return best;
  }

  #keyOf(encoding: Encoding, content: Uint8Array): Uint8Array | undefined {
    try {
      const params = paramsOf(decodeContent(encoding, content, this.limits));
      if (params === undefined) return undefined;
      const value = findParam(params, this.param);
      return value === undefined ? undefined : encoder.encode(keyText(value) ?? jsonText(value));
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }
}
