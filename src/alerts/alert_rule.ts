/** What a rule watches. */
export const ALERT_KINDS = [
  "queue",
  "failures",
  "crashes",
  "oldest",
  "busy",
  "journal",
  "down",
  "certificate",
] as const;
export type AlertKind = typeof ALERT_KINDS[number];

/** A rule of the config, `[[alert]]`. Durations are in ms. */
export interface AlertRule {
  readonly name: string;
  readonly kind: AlertKind;
  /**
   * From which value on it holds: a share from 0 to 1 (queue, failures), a count (crashes, busy), ms (oldest, certificate: of what is
   * left); 1 for what holds or not (journal, down).
   */
  readonly threshold: number;
  /** The one plugin that it watches; null for all, each for itself. */
  readonly plugin: string | null;
  /** What failures, crashes and BUSY are counted in. */
  readonly window: number;
  /** Fewer operations that have ended in the window say nothing of failures. */
  readonly minOps: number;
  /** It is to hold for so long before it is told, and not to hold for so long before that is told. */
  readonly for: number;
  readonly clear: number;
  /** It is told again each time that so much has gone by; 0 is never. */
  readonly repeat: number;
  /** Names of receivers; empty for all. */
  readonly to: readonly string[];
}

/** Who is told, `[[receiver]]`: a webhook or a command. */
export type AlertReceiver = WebhookReceiver | CommandReceiver;

interface Receiver {
  readonly name: string;
  /** What one attempt may take, in ms. */
  readonly timeout: number;
}

export interface WebhookReceiver extends Receiver {
  readonly kind: "webhook";
  /** Whoever has it may send there: it is told to nobody but for its host. */
  readonly url: string;
  readonly format: "json" | "slack";
  /** Secret, too. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface CommandReceiver extends Receiver {
  readonly kind: "command";
  /** The program, and its arguments, which are told to nobody. */
  readonly command: readonly string[];
}

/** Where a receiver is, as everybody may know it: `webhook hooks.slack.com`, `command notify`. */
export function placeOf(receiver: AlertReceiver): string {
  if (receiver.kind === "webhook") return `webhook ${new URL(receiver.url).host}`;
  const [program = ""] = receiver.command;
  return `command ${program.slice(program.lastIndexOf("/") + 1)}`;
}
