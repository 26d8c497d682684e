import type { Log } from "../observe/log.ts";
import type { AlertFigures } from "./alert_figures.ts";
import type { ReceiverRow, RuleRow } from "./alert_rows.ts";
import { type AlertMessage, messageLine } from "./alert_message.ts";
import { type AlertReceiver, type AlertRule, placeOf } from "./alert_rule.ts";
import { type AlertNews, AlertState } from "./alert_state.ts";
import { conditionText, PluginCondition, readCertificate, type Reading } from "./condition.ts";
import { type DeliveryParts, DeliveryQueue } from "./delivery_queue.ts";

/** What the config says of alerts. */
export interface AlertConfig {
  readonly alerts: readonly AlertRule[];
  readonly receivers: readonly AlertReceiver[];
}

export interface AlertParts extends DeliveryParts {
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** ms since 1970 */
  readonly clock: () => number;
  /** The machine's name. */
  readonly server: string;
  readonly figures: () => AlertFigures;
}

/** What came of a test of one receiver. */
export interface AlertTest {
  readonly receiver: string;
  readonly to: string;
  /** Null where it has got the message. */
  readonly problem: string | null;
  readonly ms: number;
}

/** One rule, and what it watches. */
interface Watched {
  rule: AlertRule;
  readonly subject: string;
  readonly condition: PluginCondition;
  readonly state: AlertState;
  reading: Reading;
  lastSentAt: number | null;
  /** By receiver. */
  readonly problems: Map<string, string>;
}

/** Watches what the rules of the config are about, and has the receivers told. */
export class Alerts {
  #rules: readonly AlertRule[] = [];
  readonly #queues = new Map<string, DeliveryQueue>();
  /** By rule, kind and subject. */
  readonly #watched = new Map<string, Watched>();
  /** Those of receivers that are gone from the config. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(readonly parts: AlertParts) {}

  /** Goes on with another config: what is told and is watched further is not told again. */
  take({ alerts, receivers }: AlertConfig): void {
    this.#rules = alerts;
    const names = new Set(receivers.map(({ name }) => name));
    for (const [name, queue] of this.#queues) {
      if (names.has(name)) continue;
      this.#queues.delete(name);
      const closed: Promise<void> = queue.close(0).then(() => void this.#leaving.delete(closed));
      this.#leaving.add(closed);
    }
    for (const receiver of receivers) {
      const queue = this.#queues.get(receiver.name);
      if (queue === undefined) this.#queues.set(receiver.name, new DeliveryQueue(receiver, this.parts));
      else queue.receiver = receiver;
    }
  }

  /** Looks at all that is watched; to be called about once a second. */
  look(): void {
    if (this.#rules.length === 0 && this.#watched.size === 0) return;
    const figures = this.parts.figures();
    const seen = new Set<string>();
    for (const rule of this.#rules) {
      if (rule.kind === "certificate") {
        for (const certificate of figures.certificates()) {
          this.#read(rule, certificate.listener, seen, () => readCertificate(rule, certificate));
        }
      } else {
        for (const plugin of figures.plugins) {
          if (rule.plugin !== null && rule.plugin !== plugin.name) continue;
          this.#read(rule, plugin.name, seen, (each, now) => each.read(rule, plugin, now));
        }
      }
    }
    for (const [key, watched] of this.#watched) if (!seen.has(key)) this.#forget(key, watched);
  }

  /** What each rule has found; one that has nothing to watch yet stands for itself. */
  list(): { rules: RuleRow[]; receivers: ReceiverRow[] } {
    const rules = this.#rules.flatMap((rule): RuleRow[] => {
      const { name, kind, plugin } = rule;
      const watched = [...this.#watched.values()].filter((each) =>
        each.rule.name === name && each.rule.kind === kind
      );
      return watched.length > 0 ? watched.map((each) => this.#row(each)) : [{
        name,
        kind,
        subject: plugin,
        condition: conditionText(rule),
        state: "ok",
        since_at: null,
        value: null,
        message: null,
        last_sent_at: null,
        problem: null,
      }];
    });
    const receivers = [...this.#queues.values()].map((queue): ReceiverRow => ({
      name: queue.receiver.name,
      to: placeOf(queue.receiver),
      waiting: queue.waiting,
      sent: queue.sent,
      dropped: queue.dropped,
      last_sent_at: queue.lastSentAt,
      problem: queue.problem,
    }));
    return { rules, receivers };
  }

  /** The names of all who are told. */
  get receivers(): string[] {
    return [...this.#queues.keys()];
  }

  /** Sends a test to a receiver, or to all, each once; their problems are told in order. */
  test(receiver: string | null): Promise<AlertTest[]> {
    const queues = [...this.#queues.values()].filter(({ receiver: { name } }) =>
      receiver === null || receiver === name
    );
    return Promise.all(queues.map(async (queue) => {
      const begun = this.parts.now();
      const problem = await queue.attempt(this.#testMessage());
      const ms = Math.round(this.parts.now() - begun);
      return { receiver: queue.receiver.name, to: placeOf(queue.receiver), problem, ms };
    }));
  }

  /** Gives what is on its way so many ms, then gives it up. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([...[...this.#queues.values()].map((queue) => queue.close(graceMs)), ...this.#leaving]);
  }

  #read(
    rule: AlertRule,
    subject: string,
    seen: Set<string>,
    read: (condition: PluginCondition, now: number) => Reading,
  ): void {
    const key = JSON.stringify([rule.name, rule.kind, subject]);
    seen.add(key);
    const now = this.parts.now();
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      const condition = new PluginCondition();
      watched = {
        rule,
        subject,
        condition,
        state: new AlertState(),
        reading: read(condition, now),
        lastSentAt: null,
        problems: new Map(),
      };
      this.#watched.set(key, watched);
    } else {
      watched.rule = rule;
      watched.reading = read(watched.condition, now);
    }
    const before = watched.state.since;
    const news = watched.state.look(watched.reading.holds, now, rule);
    if (news !== null) this.#tell(watched, news, watched.reading.text, watched.state.since ?? before);
  }

  /** It is watched no more: who was told that it fires is told that. */
  #forget(key: string, watched: Watched): void {
    this.#watched.delete(key);
    if (!watched.state.isTold) return;
    this.#tell(watched, "resolved", "it is watched no more: the config has changed", watched.state.since);
  }

  #tell(watched: Watched, event: AlertNews, text: string, since: number | null): void {
    const { rule, subject, reading, problems } = watched;
    const { log, server, clock } = this.parts;
    const message: AlertMessage = {
      id: crypto.randomUUID(),
      event,
      alert: rule.name,
      kind: rule.kind,
      subject,
      value: reading.value,
      message: text,
      condition: conditionText(rule),
      server,
      since_at: this.#timeOf(since),
      at: clock(),
    };
    log[event === "resolved" ? "info" : "warn"](`alert: ${messageLine(message)}`);
    for (const [name, queue] of this.#queues) {
      if (rule.to.length > 0 && !rule.to.includes(name)) continue;
      queue.push(message, (receiver, problem) => {
        if (problem === null) {
          problems.delete(receiver);
          watched.lastSentAt = clock();
        } else problems.set(receiver, problem);
      });
    }
  }

  /** Of a monotonic time, in ms since 1970. */
  #timeOf(time: number | null): number | null {
    return time === null ? null : Math.round(this.parts.clock() - this.parts.now() + time);
  }

  #row(watched: Watched): RuleRow {
    const { rule, subject, state, reading, lastSentAt, problems } = watched;
    const [problem] = problems;
    return {
      name: rule.name,
      kind: rule.kind,
      subject,
      condition: conditionText(rule),
      state: state.name,
      since_at: this.#timeOf(state.since),
      value: reading.value,
      message: reading.text,
      last_sent_at: lastSentAt,
      problem: problem === undefined ? null : `${problem[0]}: ${problem[1]}`,
    };
  }

  #testMessage(): AlertMessage {
    const { server, clock } = this.parts;
    return {
      id: crypto.randomUUID(),
      event: "test",
      alert: "test",
      kind: "test",
      subject: null,
      value: null,
      message: "this is a test: alerts of mevent come here",
      condition: "somebody has asked for it",
      server,
      since_at: null,
      at: clock(),
    };
  }
}
