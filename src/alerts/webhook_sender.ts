import { fetchReason, withoutProxies } from "../without_proxies.ts";
import { type AlertMessage, messageBody } from "./alert_message.ts";
import type { WebhookReceiver } from "./alert_rule.ts";
import { SendError } from "./send_error.ts";

/** An idle connection is used again for so long, in ms: shorter than hosts keep one. */
const IDLE_MS = 1000;
/** Statuses beside those from 500 on after which another attempt may go better. */
const LATER_STATUSES = [408, 425, 429];
/** The longest Retry-After that is believed, in ms. */
const MAX_RETRY_AFTER_MS = 600_000;

/** Sends messages to webhooks: one request each, past the environment's proxies. */
export class WebhookSender {
  #client: Deno.HttpClient | null = null;

  /** Makes what requests go by, where there is none yet: the environment's proxies are out of sight meanwhile. */
  prepare(): void {
    this.#client ??= withoutProxies(() => Deno.createHttpClient({ poolIdleTimeout: IDLE_MS }));
  }

  /** Rejects with SendError where the host has not taken it, with the signal's reason where that is aborted. */
  async send(receiver: WebhookReceiver, message: AlertMessage, signal: AbortSignal): Promise<void> {
    const { format, headers, timeout } = receiver;
    const url = new URL(receiver.url);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    this.prepare();
    try {
      const response = await fetch(url, {
        client: this.#client!,
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": message.id, ...headers },
        // Of a Blob, fetch sends the request once and never again by itself.
        body: new Blob([messageBody(message, format)]),
        redirect: "manual",
        signal: AbortSignal.any([signal, late.signal]),
      });
      await response.body?.cancel();
      if (!response.ok) throw refused(response);
    } catch (error) {
      if (error instanceof SendError) throw error;
      if (signal.aborted) throw signal.reason;
      const why = late.signal.aborted ? `it did not answer within ${timeout} ms` : fetchReason(error, url);
      throw new SendError(`${url.host} cannot be reached: ${why}`, true);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }
}

function refused({ status, url, headers }: Response): SendError {
  const host = URL.parse(url)?.host ?? "the host";
  const hint = status >= 300 && status < 400 ? "; redirects are not followed" : "";
  const seconds = Number(headers.get("retry-after") ?? 0);
  const wait = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0;
  const mayRetry = status >= 500 || LATER_STATUSES.includes(status);
  return new SendError(`${host} answered with status ${status}${hint}`, mayRetry, wait);
}
