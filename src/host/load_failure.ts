import { PluginLoadError } from "./loader.ts";
import { cut, FRAME, textOf, traceOf } from "../text_of.ts";

/** Terminal colours: ESC, the one control character before a bracket here, and what ends in m. */
const COLOURS = /\p{Cc}\[[0-9;]*m/gu;
/** Where V8 found a syntax error, at the end of its sentence. */
const PLACE = / at (file:\S+):(\d+):(\d+)$/;
/** A name that another module does not have. */
const NO_EXPORT = /does not provide an export named/;
/** Longest text, in UTF-16 units. */
const MAX_TEXT = 4096;
/** So much of a source's line is shown, in UTF-16 units. */
const SHOWN = 120;

/**
 * What is said of a plugin that does not load: the lines of its trace that lie in the plugin's code. An import that
 * finds no module has none, and is told by its sentence alone. Never throws.
 */
export function loadFailure(thrown: unknown): string {
  return cut(wholeFailure(thrown), MAX_TEXT);
}

function wholeFailure(thrown: unknown): string {
  const message = textOf(thrown).replace(COLOURS, "") + lineOf(thrown);
  if (isOwnError(thrown)) return message;
  const kept = traceOf(thrown).replace(COLOURS, "").split("\n");
  const framesOfMessage = message.split("\n").filter((line) => FRAME.test(line)).length;
  const frames = kept.filter((line) => FRAME.test(line)).length;
  return frames > framesOfMessage ? kept.join("\n") : message;
}

/** What stands at the place of a syntax error that V8 tells of; a line of its own, or nothing. */
function lineOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof SyntaxError)) return "";
    const [, url, line, column] = String(thrown.message).match(PLACE) ?? [];
    if (url === undefined) return "";
    if (NO_EXPORT.test(thrown.message)) return "; where it is a type, write `import type`";
    const text = Deno.readTextFileSync(new URL(url)).split("\n")[Number(line) - 1] ?? "";
    const from = Math.max(0, Number(column) - 1 - SHOWN / 2);
    const hint = text[Number(column) - 1] === "@" ? ": a decorator, which JavaScript does not have" : "";
    return `${hint}\n    ${from > 0 ? "…" : ""}${text.slice(from, from + SHOWN)}`;
  } catch {
    return "";
  }
}

function isOwnError(thrown: unknown): boolean {
  try {
    return thrown instanceof PluginLoadError;
  } catch {
    return false;
  }
}
