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
