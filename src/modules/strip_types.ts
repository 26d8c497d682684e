import { errorAt, errorAtIndex, ModuleError } from "./module_error.ts";

/** What the stripper throws. */
interface StripFailure {
  readonly code?: string;
  readonly message: string;
  /** From 1. */
  readonly startLine?: number;
  /** From 0. */
  readonly startColumn?: number;
}

/** Where a decorator may begin. In code an @ is nothing else, but this may be in a comment or a template. */
const DECORATOR = /^[ \t]*(?:export[ \t]+(?:default[ \t]+)?)?@(?=[\w$(])/gm;
const NOT_ERASABLE =
  "write it in plain JavaScript (an object `as const`, a field that the constructor sets), or bundle the plugin with esbuild";

/**
 * Replaces a module's types by blanks, so that all else keeps its line and column. Throws ModuleError where it is not
 * TypeScript, or has what cannot be left out: enums, namespaces with values, parameter properties, decorators.
 */
export async function stripTypes(path: string, text: string): Promise<string> {
  // 3.7 MB, and plugins in JavaScript do not need it.
  const { transformSync } = await import("@swc/wasm-typescript");
  const strip = (source: string) =>
    transformSync(source, { mode: "strip-only", module: true, deprecatedTsModuleAsError: true }).code;
  let code: string;
  try {
    code = strip(text);
  } catch (thrown) {
    throw failureOf(path, text, thrown);
  }
  for (const { index, 0: match } of text.matchAll(DECORATOR)) {
    const at = index + match.length - 1;
    if (isParsed(() => strip(`${text.slice(0, at)}@${text.slice(at)}`))) continue;
    throw errorAtIndex(path, text, at, `a decorator cannot be left out as types are; ${NOT_ERASABLE}`);
  }
  return code;
}

function isParsed(strip: () => void): boolean {
  try {
    strip();
    return true;
  } catch {
    return false;
  }
}

function failureOf(path: string, text: string, thrown: unknown): ModuleError {
  if (typeof thrown !== "object" || thrown === null || !("message" in thrown)) {
    return new ModuleError(`${path}: the types cannot be stripped: ${thrown}`);
  }
  const { code, message, startLine, startColumn } = thrown as StripFailure;
  if (startLine === undefined || startColumn === undefined) {
    return new ModuleError(`${path}: the types cannot be stripped: ${message}`);
  }
  const sentence = code === "UnsupportedSyntax"
    ? `${
      message.replace(/\.?$/, "").replace(" in strip-only mode", ", as types alone are left out")
    }; ${NOT_ERASABLE}`
    : `syntax error: ${message}`;
  return errorAt(path, text, startLine, startColumn + 1, sentence);
}
