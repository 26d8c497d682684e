import type { PluginRemark } from "./members.ts";
import { scheduleOf } from "./schedule.ts";
import { textOf } from "../text_of.ts";
import { MAX_TIMER_NAME, MAX_TIMERS } from "../ring/messages.ts";

/** What is wrong with a plugin's `timers`. */
export function timerProblems(timers: unknown): PluginRemark[] {
  if (timers === undefined) return [];
  if (!Array.isArray(timers)) {
    return [{ message: "`timers` is no list of { name, every or cron, run }", path: ["timers"] }];
  }
  if (timers.length > MAX_TIMERS) {
    const message = `there are ${timers.length} \`timers\`; a plugin may have ${MAX_TIMERS}`;
    return [{ message, path: ["timers"] }];
  }
  const names = new Set<unknown>();
  return [...timers.entries()].flatMap(([index, timer]) => {
    const problem = timerProblem(timer);
    const name: unknown = problem === null ? timer.name : nameOf(timer);
    const path = typeof name === "string" ? ["timers", { named: name }] : ["timers"];
    if (problem !== null) return [{ message: `timer ${shownName(timer, index)} ${problem}`, path }];
    if (names.has(name)) {
      return [{ message: `there are two timers with the name ${JSON.stringify(name)}`, path }];
    }
    names.add(name);
    return [];
  });
}

function timerProblem(timer: unknown): string | null {
  if (typeof timer !== "object" || timer === null) {
    return "is no object; it needs `name`, `every` or `cron`, and `run`";
  }
  const { name, run } = timer as { name?: unknown; run?: unknown };
  if (typeof name !== "string" || name === "" || name.length > MAX_TIMER_NAME) {
    return `needs a \`name\` of 1 to ${MAX_TIMER_NAME} characters`;
  }
  if (typeof run !== "function") return "needs a `run` function";
  try {
    scheduleOf(timer);
    return null;
  } catch (error) {
    return textOf(error);
  }
}

function nameOf(timer: unknown): unknown {
  return typeof timer === "object" && timer !== null && "name" in timer ? timer.name : undefined;
}

function shownName(timer: unknown, index: number): string {
  const name = nameOf(timer);
  return typeof name === "string" && name !== ""
    ? JSON.stringify(name.slice(0, MAX_TIMER_NAME))
    : String(index);
}
