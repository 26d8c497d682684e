import type { Log, LogLevel } from "../observe/log.ts";
import { FILL_LEVELS, type FillLevel } from "../queue/watermarks.ts";

const WORDS: Record<FillLevel, string> = {
  normal: "is less than half full again",
  info: "is half full",
  warning: "is nearly full",
  full: "is full and refuses operations",
};

/** Says in the log how full a queue has become, once a crossing. */
export function fillLogger(
  log: Log,
  what: string,
  field = "queue_level",
): (level: FillLevel, before: FillLevel) => void {
  return (level, before) => {
    const rising = FILL_LEVELS.indexOf(level) > FILL_LEVELS.indexOf(before);
    const severity: LogLevel = rising && level !== "info" ? "warn" : "info";
    log.write(severity, `${what} ${WORDS[level]}`, { [field]: level, before });
  };
}
