/** Where the page is: the part behind `#`, as `#/plugins/orders?range=5m`. */
export interface Route {
  /** Decoded; none for the overview. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Takes the part behind `#` apart; what is no route is the overview. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  const query = new URLSearchParams(at < 0 ? "" : text.slice(at + 1));
  try {
    return { segments: path.split("/").filter((part) => part !== "").map(decodeURIComponent), query };
  } catch {
    return { segments: [], query };
  }
}

/** `href("plugins", "orders")`, with filters: what is null or empty stands for no filter. */
export function href(
  segments: readonly string[],
  query: { readonly [key: string]: string | number | null | undefined } = {},
): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return `#/${segments.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}
