import { scheduleOf } from "./schedule.ts";
import { textOf } from "./text_of.ts";
import { MAX_TIMER_NAME, MAX_TIMERS } from "./timer_limits.ts";

/** What is wrong with a plugin's `timers`, or null. */
export function timersProblem(timers: unknown): string | null {
  if (timers === undefined) return null;
  if (!Array.isArray(timers)) return "`timers` is no list of { name, every or cron, run }";
  if (timers.length > MAX_TIMERS) {
    return `there are ${timers.length} \`timers\`; a plugin may have ${MAX_TIMERS}`;
  }
  const names = new Set<unknown>();
  for (const [index, timer] of timers.entries()) {
    const problem = timerProblem(timer);
    if (problem !== null) return `timer ${shownName(timer, index)} ${problem}`;
    if (names.has(timer.name)) return `there are two timers with the name ${JSON.stringify(timer.name)}`;
    names.add(timer.name);
  }
  return null;
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

function shownName(timer: unknown, index: number): string {
  const name = typeof timer === "object" && timer !== null && "name" in timer ? timer.name : undefined;
  return typeof name === "string" && name !== ""
    ? JSON.stringify(name.slice(0, MAX_TIMER_NAME))
    : String(index);
}
