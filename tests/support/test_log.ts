import { Log, type LogLevel } from "../../src/observe/log.ts";

/** A log in lines of JSON, by the clock; without `write` it is kept nowhere. */
export function testLog(level: LogLevel = "error", write: (line: string) => void = () => {}): Log {
  return new Log({ level, format: "json", colour: false, write, clock: () => new Date() });
}
