import { HttpError } from "./http_error.ts";

/** A request's target, taken apart. */
export interface RequestTarget {
  /** The path's segments, percent-decoded; none for `*`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const NO_QUERY = new URLSearchParams();

/** Takes a target apart. Throws HttpError. */
export function parseTarget(target: string): RequestTarget {
  if (target === "*") return { segments: [], query: NO_QUERY };
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  if (path.charCodeAt(0) !== 0x2f) throw new HttpError(400, "the request's target does not begin with /");
  try {
    const segments = path.slice(1).split("/").map(decodeURIComponent);
    return { segments, query: at < 0 ? NO_QUERY : new URLSearchParams(target.slice(at + 1)) };
  } catch {
    throw new HttpError(400, "the request's path is not percent-encoded UTF-8");
  }
}
