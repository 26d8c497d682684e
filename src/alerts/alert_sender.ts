import type { AlertReceiver } from "./alert_rule.ts";
import type { Send } from "./delivery_queue.ts";
import { sendToCommand } from "./send_to_command.ts";
import { WebhookSender } from "./webhook_sender.ts";

/** Sends messages to receivers of each kind. */
export class AlertSender {
  readonly #webhooks = new WebhookSender();

  /** To be called before workers run, which may look at the environment, too. */
  prepare(receivers: readonly AlertReceiver[]): void {
    if (receivers.some(({ kind }) => kind === "webhook")) this.#webhooks.prepare();
  }

  readonly send: Send = (receiver, message, signal) =>
    receiver.kind === "webhook"
      ? this.#webhooks.send(receiver, message, signal)
      : sendToCommand(receiver, message, signal);

  close(): void {
    this.#webhooks.close();
  }
}

/** Resolves after so many ms, or when the signal aborts. */
export function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
