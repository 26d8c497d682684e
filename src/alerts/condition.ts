import { TIME_UNITS_WITH_DAYS } from "../amount.ts";
import type { CertificateFigures, PluginFigures } from "./alert_figures.ts";
import type { AlertRule } from "./alert_rule.ts";
import { CountsInWindow } from "./counts_in_window.ts";

/** What a rule has found. */
export interface Reading {
  readonly holds: boolean;
  /** In the threshold's unit. */
  readonly value: number;
  /** The same as a sentence. */
  readonly text: string;
}

const SECOND_MS = 1000;

/** What a rule watches for, as a sentence without its subject. */
export function conditionText({ kind, threshold, window, minOps, for: hold }: AlertRule): string {
  const last = `in ${time(window)}`;
  const long = hold === 0 ? "" : `, for ${time(hold)}`;
  switch (kind) {
    case "queue":
      return `the queue is ${percent(threshold)} full or more${long}`;
    case "failures":
      return `${percent(threshold)} or more of at least ${count(minOps, "operation")} ${last} fail${long}`;
    case "crashes":
      return `${count(threshold, "worker")} or more ${last} crash or hang${long}`;
    case "oldest":
      return `the oldest operation waits for ${time(threshold)} or more${long}`;
    case "busy":
      return `${count(threshold, "operation")} or more ${last} are refused as BUSY${long}`;
    case "journal":
      return `the journal takes no operations${long}`;
    case "down":
      return `no worker can work${long}`;
    case "certificate":
      return `the certificate ends within ${time(threshold)}${long}`;
  }
}

/** What a rule finds of one plugin; it remembers what it counts. */
export class PluginCondition {
  readonly #counts = new CountsInWindow();

  /** @param now monotonic, in ms */
  read(rule: AlertRule, figures: PluginFigures, now: number): Reading {
    const { threshold, window } = rule;
    const told = (value: number, text: string, holds = value >= threshold): Reading => ({
      holds,
      value,
      text,
    });
    const grown = (...counts: number[]) => this.#counts.look(counts, now, window);
    switch (rule.kind) {
      case "queue": {
        const [ops, bytes] = [figures.ops / figures.maxOps, figures.bytes / figures.maxBytes];
        const what = ops >= bytes
          ? `${count(figures.ops, "operation")} of ${figures.maxOps}`
          : `${figures.bytes} of ${figures.maxBytes} bytes`;
        const share = Math.max(ops, bytes);
        return told(share, `its queue is ${percent(share)} full: ${what}`);
      }
      case "failures": {
        const [done = 0, failed = 0] = grown(figures.done, figures.failed);
        const share = done + failed === 0 ? 0 : failed / (done + failed);
        return told(
          share,
          `${failed} of ${count(done + failed, "operation")} in ${time(window)} failed: ${percent(share)}`,
          share >= threshold && done + failed >= rule.minOps,
        );
      }
      case "crashes": {
        const [crashes = 0] = grown(figures.restarts);
        return told(crashes, `${count(crashes, "worker")} in ${time(window)} crashed or hung`);
      }
      case "busy": {
        const [busy = 0] = grown(figures.busy);
        return told(busy, `${count(busy, "operation")} in ${time(window)} ${are(busy)} refused as BUSY`);
      }
      case "oldest":
        return told(figures.oldest, `its oldest operation waits for ${time(figures.oldest)}`);
      case "journal":
        return flag(
          figures.journalProblem,
          "its journal takes operations",
          "its journal takes no operations: ",
        );
      default:
        return flag(figures.down, "its workers work", "no worker of it can work: ");
    }
  }
}

/** What a rule finds of one certificate. */
export function readCertificate(
  { threshold }: AlertRule,
  { expires_in_seconds: left }: CertificateFigures,
): Reading {
  if (left === null) return { holds: false, value: 0, text: "its certificate does not tell when it ends" };
  const ms = left * SECOND_MS;
  const text = ms > 0 ? `its certificate ends in ${time(ms)}` : `its certificate has ended ${time(-ms)} ago`;
  return { holds: ms <= threshold, value: ms, text };
}

function flag(problem: string | null, well: string, ill: string): Reading {
  return problem === null
    ? { holds: false, value: 0, text: well }
    : { holds: true, value: 1, text: ill + problem };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function are(number: number): string {
  return number === 1 ? "was" : "were";
}

/** In so large a unit that it says enough. */
function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  let text = "";
  for (const [unit, factor] of TIME_UNITS_WITH_DAYS) {
    if (ms >= factor) {
      text = Number.isInteger(ms / factor)
        ? `${ms / factor}${unit}`
        : `${Math.round(ms / factor * 10) / 10}${unit}`;
    }
  }
  return text;
}
