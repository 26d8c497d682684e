import type { JsonObject } from "../plugin.ts";
import type { AlertKind } from "./alert_rule.ts";
import type { AlertStateName } from "./alert_state.ts";

/** A rule and one of what it watches, as it is told. Times are ms since 1970. */
export interface RuleRow extends JsonObject {
  name: string;
  kind: AlertKind;
  /** The plugin, or a certificate's listener; null where there is none to watch. */
  subject: string | null;
  condition: string;
  state: AlertStateName;
  since_at: number | null;
  value: number | null;
  /** What it finds now, a sentence. */
  message: string | null;
  last_sent_at: number | null;
  /** Why the last message did not reach a receiver, with its name. */
  problem: string | null;
}

/** A receiver, and how its messages get on. */
export interface ReceiverRow extends JsonObject {
  name: string;
  /** Its kind, and its host or program. */
  to: string;
  waiting: number;
  sent: number;
  /** Given up. */
  dropped: number;
  last_sent_at: number | null;
  problem: string | null;
}
