import { formatAddress, type InetAddress, parseAddress } from "./address.ts";
import { ConfigError, mismatch } from "./config_error.ts";

/** Plugins whose requests another server answers. */
export interface Forwarding extends InetAddress {
  /** As callers send them: names, and business numbers in decimal. */
  readonly names: readonly string[];
}

const EXPECTED = '"NAME,NAME=host:port", as "orders,7=127.0.0.1:26001"';

/** Reads `orders,7=127.0.0.1:26001`. Throws ConfigError. */
export function parseForwarding(value: unknown): Forwarding {
  const text = typeof value === "string" ? value : "";
  const at = text.lastIndexOf("=");
  const names = text.slice(0, Math.max(at, 0)).split(",").map((name) => name.trim());
  const size = (name: string) => new TextEncoder().encode(name).length;
  if (
    names.some((name) => name === "" || size(name) > 64 || name.includes("\0") || name.startsWith("Reserve."))
  ) {
    throw mismatch(EXPECTED, value);
  }
  let address: InetAddress;
  try {
    address = parseAddress(text.slice(at + 1).trim());
  } catch (error) {
    throw error instanceof ConfigError ? mismatch(EXPECTED, value) : error;
  }
  if (address.port === 0) throw mismatch(`${EXPECTED} with a port of its own`, value);
  return { names, ...address };
}

/** The forwarding that comes back to one of the server's own listeners; undefined where there is none. */
export function circularForwarding(
  forwardings: readonly Forwarding[],
  listeners: readonly { readonly transport: string; readonly hostname?: string; readonly port?: number }[],
): Forwarding | undefined {
  const isLocal = (host: string) => /^(?:127\.|0\.0\.0\.0$|::1?$|localhost$)/.test(host);
  return forwardings.find(({ hostname, port }) =>
    listeners.some((listener) =>
      listener.transport === "tcp" && listener.port === port &&
      (listener.hostname === hostname || (isLocal(hostname) && isLocal(listener.hostname ?? "")))
    )
  );
}

/** What makes requests go elsewhere than somebody may think, a sentence each. */
export function forwardingWarnings(
  forwardings: readonly Forwarding[],
  plugins: readonly { readonly name: string; readonly biz: number | undefined }[],
  listeners: readonly { readonly charset: string }[],
): string[] {
  const warnings: string[] = [];
  const known = new Map<string, string>();
  for (const forwarding of forwardings) {
    const to = formatAddress(forwarding);
    for (const name of forwarding.names) {
      const first = known.get(name);
      const plugin = plugins.find((each) => each.name === name || String(each.biz) === name);
      if (plugin !== undefined) {
        warnings.push(
          `forward: plugin ${plugin.name} runs here, so ${name} is not forwarded to ${to}: leave out one of the two`,
        );
      } else if (first !== undefined) {
        warnings.push(
          `forward: ${name} is forwarded to ${first}, and not to ${to}: leave out one of the two`,
        );
      } else known.set(name, to);
    }
  }
  const charset = listeners.find((listener) => listener.charset !== "utf-8")?.charset;
  if (forwardings.length > 0 && charset !== undefined) {
    warnings.push(
      `forward: what comes in by a listener of charset ${charset} is forwarded in UTF-8: give a server that wants ${charset} a listener of utf-8`,
    );
  }
  return warnings;
}
