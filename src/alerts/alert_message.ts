import type { AlertKind } from "./alert_rule.ts";

/** What a receiver is told. */
export interface AlertMessage {
  /** The same in all attempts to deliver it, and of no other message. */
  readonly id: string;
  readonly event: "firing" | "repeated" | "resolved" | "test";
  readonly alert: string;
  readonly kind: AlertKind | "test";
  /** The plugin, or the listener of a certificate; null for a test. */
  readonly subject: string | null;
  readonly value: number | null;
  /** A sentence. */
  readonly message: string;
  /** What the rule watches for, as a sentence. */
  readonly condition: string;
  /** The machine's name. */
  readonly server: string;
  /** Since when it holds, and when it is told; ms since 1970. */
  readonly since_at: number | null;
  readonly at: number;
}

const MARKS: Record<AlertMessage["event"], string> = {
  firing: "\u{1f534} firing",
  repeated: "\u{1f534} still firing",
  resolved: "\u{1f7e2} resolved",
  test: "\u{1f535} test",
};

/** One line for people: `firing: orders: its queue is 92% full (queue fills, on host1)`. */
export function messageLine({ event, subject, message, alert, server }: AlertMessage): string {
  const about = subject === null ? "" : `${subject}: `;
  return `${event === "repeated" ? "still firing" : event}: ${about}${message} (${alert}, on ${server})`;
}

/** The body for a webhook, as JSON. */
export function messageBody(message: AlertMessage, format: "json" | "slack"): string {
  if (format === "json") return JSON.stringify(message);
  const { event, subject, alert, server, condition } = message;
  const about = subject === null ? "" : `*${escaped(subject)}*: `;
  const text = `${MARKS[event]}: ${about}${escaped(message.message)}`;
  return JSON.stringify({ text: `${text}\n${escaped(`${alert}, on ${server}: ${condition}`)}` });
}

/** As Slack wants its three characters that say something else. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
