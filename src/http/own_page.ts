import type { RequestHead } from "./request_head.ts";

/** What a request's place knows of the names of its server. */
interface Place {
  /** Names beside the addresses and what stands for this machine; in small letters. */
  readonly httpHosts: readonly string[];
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** What a browser says of who makes a request: `same-origin`, `cross-site`; null where it says nothing, or is none. */
export function fetchSite(head: RequestHead): string | null {
  return head.header("sec-fetch-site");
}

/**
 * Whether a browser's request comes from a page of this server itself: the browser says so, which no page can make it say, or
 * the page's origin is the host that was asked. A proxy in front may have changed that one; what the browser says stays.
 */
export function isOwnPage(head: RequestHead, origin: string): boolean {
  const site = fetchSite(head);
  if (site !== null) return site === "same-origin";
  const host = head.header("host");
  return host !== null &&
    origin.replace(/^https?:\/\//, "").toLowerCase() === withoutDefaultPort(host, origin);
}

/**
 * Whether the host that was asked is this server for sure: an address, a name without a dot, the machine's own name, or one that the
 * config names. Any other may be a page's own, which has its name lead here (DNS rebinding), and is then of one origin with the server.
 */
export function isOwnHost(head: RequestHead, { httpHosts }: Place): boolean {
  const host = (head.header("host") ?? "").toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  return !host.includes(".") || host.startsWith("[") || IPV4.test(host) || host.endsWith(".localhost") ||
    httpHosts.includes(host) || host === machineName();
}

let machine: string | undefined;

/** In small letters; "" where the system does not tell. */
function machineName(): string {
  try {
    return machine ??= Deno.hostname().toLowerCase();
  } catch {
    return machine = "";
  }
}

/** As an origin has it. */
function withoutDefaultPort(host: string, origin: string): string {
  return host.toLowerCase().replace(origin.startsWith("https:") ? /:443$/ : /:80$/, "");
}
