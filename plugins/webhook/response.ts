const LATER_STATUSES = new Set([408, 425, 429]);
/** The longest Retry-After that is believed, in ms. */
const MAX_RETRY_AFTER_MS = 4 * 3_600_000;

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

/** Reads so much of the body and no more, and lets the rest go. Rejects where the body breaks off. */
export async function readAnswer(response: Response, maxBytes: number, now: number): Promise<Answer> {
  const { status, headers } = response;
  const chunks: Uint8Array[] = [];
  let room = maxBytes;
  let truncated = false;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    truncated = value.length > room;
    const part = truncated ? value.subarray(0, room) : value;
    chunks.push(part);
    room -= part.length;
    if (!truncated) continue;
    await reader.cancel();
    break;
  }
  const body = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  const retryAfter = retryAfterOf(headers.get("retry-after"), now);
  return { status, type: headers.get("content-type") ?? "", body, truncated, retryAfter };
}

/** A number of seconds, or a date; `now` is in ms since 1970. */
export function retryAfterOf(text: string | null, now: number): number {
  if (text === null) return 0;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}
