/** The variables by which Deno sends requests through a proxy, or not. */
const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
/** The worker may read and change them, and no others. */
export const PROXY_VARIABLES: readonly string[] = [
  ...VARIABLES,
  ...VARIABLES.map((name) => name.toLowerCase()),
];

const PORTS: { readonly [protocol: string]: string } = {
  "http:": "80",
  "https:": "443",
  "socks5:": "1080",
  "socks5h:": "1080",
};

/** A proxy that the config names. */
export interface Proxy {
  /** As it is named in sentences and in the permission: `127.0.0.1:3128`. */
  readonly host: string;
  /** Without the user and the password. */
  readonly url: string;
  readonly basicAuth: Deno.BasicAuth | undefined;
}

/** The proxy at a URL, as `http://user:password@host:3128` or `socks5://host`; null where it is none. */
export function parseProxy(text: string): Proxy | null {
  const url = URL.parse(text);
  const port = url === null ? undefined : url.port || PORTS[url.protocol];
  if (url === null || port === undefined || url.hostname === "") return null;
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") return null;
  const host = `${url.hostname}:${port}`;
  try {
    const username = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    const basicAuth = username === "" && password === "" ? undefined : { username, password };
    return { host, url: `${url.protocol}//${host}`, basicAuth };
  } catch {
    return null;
  }
}

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
