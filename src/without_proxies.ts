/** The variables by which Deno sends requests through a proxy, or not. */
const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
/** The same, in small letters, too. */
export const PROXY_VARIABLES: readonly string[] = [
  ...VARIABLES,
  ...VARIABLES.map((name) => name.toLowerCase()),
];

/**
 * Makes something without the environment's proxies, and without what it excepts from proxies: Deno looks at them when it
 * makes an HTTP client. The environment is the whole process's, so they are there again when this returns.
 */
export function withoutProxies<T>(make: () => T): T {
  const kept = PROXY_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of kept) Deno.env.delete(name);
  try {
    return make();
  } finally {
    for (const [name, value] of kept) Deno.env.set(name, value);
  }
}

/** What fetch says of a request that got no answer, without the URL, whose path may be a secret. */
export function fetchReason(error: unknown, url: URL): string {
  if (!(error instanceof Error)) return "the request failed";
  const message = error.message.replace(/^error sending request (?:for url|from \S+ for) .*?\): /, "");
  return message.includes(url.pathname.length > 1 ? url.pathname : url.href) ? "the request failed" : message;
}
