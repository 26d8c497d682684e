/** Interfaces come and go: they are looked at again after so long, in ms. */
const KNOWN_FOR_MS = 1000;
const LOOPBACK = /^127\./;
/** A host that stands for every address of this machine, and the loopback of IPv6. */
const ALWAYS_OWN = ["0.0.0.0", "::", "::1"];

/** Tells addresses of this machine from those of others. */
export class OwnAddresses {
  #known = new Set<string>();
  #knownAt = -Infinity;

  /**
   * @param now monotonic, in ms
   * @param hosts the addresses of the network interfaces
   */
  constructor(readonly now: () => number, readonly hosts: () => string[] = interfaceHosts) {}

  has(host: string): boolean {
    if (isLoopbackHost(host)) return true;
    const now = this.now();
    if (now - this.#knownAt >= KNOWN_FOR_MS) {
      this.#knownAt = now;
      this.#known = new Set([...ALWAYS_OWN, ...this.hosts()].map(oneForm));
    }
    return this.#known.has(oneForm(host));
  }
}

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host) || oneForm(host) === "::1";
}

/** The one way to write an address; IPv4 that comes over IPv6 is the same as over any other. */
function oneForm(host: string): string {
  const plain = host.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*$/, "");
  if (!plain.includes(":")) return plain;
  return URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain;
}

function interfaceHosts(): string[] {
  try {
    return Deno.networkInterfaces().map(({ address }) => address);
  } catch {
    // The system does not tell: what is known by itself has to do.
    return [];
  }
}
