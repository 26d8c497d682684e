import { cut } from "./cut.ts";
import { PluginLoadError } from "./loader.ts";
import { textOf, traceOf } from "./text_of.ts";

/** mevent's own code, as it stands in the lines of a trace. */
const OWN_CODE = new URL("../", import.meta.url).href;
/** Terminal colours: ESC, the one control character before a bracket here, and what ends in m. */
const COLOURS = /\p{Cc}\[[0-9;]*m/gu;
const FRAME = /^ {4}at /;
/** Longest text, in UTF-16 units. */
const MAX_TEXT = 4096;

/**
 * What is said of a plugin that does not load: the lines of its trace that lie in the plugin's code. An import that
 * finds no module has none, and is told by its sentence alone. Never throws.
 */
export function loadFailure(thrown: unknown): string {
  return cut(wholeFailure(thrown), MAX_TEXT);
}

function wholeFailure(thrown: unknown): string {
  const message = textOf(thrown).replace(COLOURS, "");
  if (isOwnError(thrown)) return message;
  const lines = traceOf(thrown).replace(COLOURS, "").split("\n");
  const kept = lines.filter((line) =>
    !FRAME.test(line) || !(line.includes(OWN_CODE) || line.includes("(ext:"))
  );
  const framesOfMessage = message.split("\n").filter((line) => FRAME.test(line)).length;
  const frames = kept.filter((line) => FRAME.test(line)).length;
  return frames > framesOfMessage ? kept.join("\n") : message;
}

function isOwnError(thrown: unknown): boolean {
  try {
    return thrown instanceof PluginLoadError;
  } catch {
    return false;
  }
}
