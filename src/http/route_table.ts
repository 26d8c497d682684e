import { HttpError } from "./http_error.ts";
import { parseTarget } from "./request_target.ts";
import type { Handler, Route } from "./route.ts";

/** All routes, and which of them a request takes. */
export class RouteTable {
  readonly #patterns: { readonly route: Route; readonly segments: readonly string[] }[];

  constructor(readonly routes: readonly Route[]) {
    this.#patterns = routes.map((route) => ({ route, segments: route.path.slice(1).split("/") }));
  }

  /** What answers a request. Throws HttpError: 404, or 405 with the methods that there are. */
  find(method: string, text: string): Handler {
    const target = parseTarget(text);
    const matching = this.#matching(target.segments);
    if (matching.length === 0) {
      throw new HttpError(404, "there is nothing at this path; /openapi.json says what there is");
    }
    const wanted = method === "HEAD" ? "GET" : method;
    const found = matching.find(({ route }) => route.method === wanted);
    if (found === undefined) {
      const allow = methodsOf(matching.map(({ route }) => route));
      throw new HttpError(405, `${method} is not for this path; ${allow} are`, { Allow: allow });
    }
    return found.route.handler(target, valuesOf(target.segments, found.segments));
  }

  /** The methods that a target allows, as in the header Allow. Throws HttpError where there is none. */
  allowed(text: string): string {
    const { segments } = parseTarget(text);
    const matching = segments.length === 0 ? this.#patterns : this.#matching(segments);
    if (matching.length === 0) {
      throw new HttpError(404, "there is nothing at this path; /openapi.json says what there is");
    }
    return methodsOf(matching.map(({ route }) => route));
  }

  #matching(segments: readonly string[]) {
    return this.#patterns.filter((pattern) =>
      (pattern.segments.length === segments.length ||
        (pattern.segments.length < segments.length && takesRest(pattern.segments.at(-1)!))) &&
      pattern.segments.every((each, at) => isParameter(each) ? segments[at] !== "" : each === segments[at])
    );
  }
}

/** What stands in the place of a pattern's parameters, in order. */
function valuesOf(segments: readonly string[], pattern: readonly string[]): string[] {
  return pattern.flatMap((each, at) =>
    takesRest(each) ? segments.slice(at).join("/") : isParameter(each) ? segments[at]! : []
  );
}

/** Of `{path+}`: it stands for all segments that are left. */
function takesRest(segment: string): boolean {
  return segment.endsWith("+}");
}

function isParameter(segment: string): boolean {
  return segment.startsWith("{");
}

function methodsOf(routes: readonly Route[]): string {
  const methods = new Set(routes.flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]));
  return [...methods, "OPTIONS"].join(", ");
}
