import { httpDate } from "./http_date.ts";

const LATER_STATUSES = new Set([408, 425, 429]);
/** The longest Retry-After that is believed, in ms. */
const MAX_RETRY_AFTER_MS = 4 * 3_600_000;
const FIRST_ROOM = 4096;

/** What a host has answered. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** The body goes on behind that. */
  readonly truncated: boolean;
  /** What the host asks to wait, in ms; 0 where it asks nothing. */
  readonly retryAfter: number;
}

/** Whether the delivery has succeeded, may succeed later, or is refused for good. */
export function verdictOf(status: number): "delivered" | "later" | "refused" {
  if (status >= 200 && status < 300) return "delivered";
  return status >= 500 || LATER_STATUSES.has(status) ? "later" : "refused";
}

/**
 * Reads so much of the body and no more, and lets the rest go. Rejects where the body of a success breaks off; otherwise
 * the status has said it all.
 */
export async function readAnswer(response: Response, maxBytes: number, now: number): Promise<Answer> {
  const { status, headers } = response;
  const start = new BodyStart(maxBytes);
  try {
    await start.read(response.body);
  } catch (error) {
    if (verdictOf(status) === "delivered") throw error;
  }
  const retryAfter = retryAfterOf(headers.get("retry-after"), now);
  const { text, truncated } = start;
  return { status, type: headers.get("content-type") ?? "", body: text, truncated, retryAfter };
}

/** A number of seconds, or a date, in ms from `now`, which is in ms since 1970; 0 where it is neither. */
export function retryAfterOf(text: string | null, now: number): number {
  if (text === null) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : (httpDate(text, now) ?? now) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}

/** The beginning of a body. It is copied: a chunk is a view on a buffer of 64 KiB, however little has come in it. */
class BodyStart {
  truncated = false;
  #bytes = new Uint8Array(0);
  #used = 0;

  constructor(readonly maxBytes: number) {}

  get text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#used));
  }

  async read(stream: ReadableStream<Uint8Array> | null): Promise<void> {
    if (stream === null) return;
    const reader = stream.getReader();
    while (!this.truncated) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#append(value);
    }
    await reader.cancel();
  }

  #append(chunk: Uint8Array): void {
    const room = this.maxBytes - this.#used;
    this.truncated = chunk.length > room;
    const part = this.truncated ? chunk.subarray(0, room) : chunk;
    const needed = this.#used + part.length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes.set(part, this.#used);
    this.#used = needed;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(
      Math.min(Math.max(needed, this.#bytes.length * 2, FIRST_ROOM), this.maxBytes),
    );
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }
}
