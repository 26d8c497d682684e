import { readNamedFile } from "../named_file.ts";
import { withoutProxies } from "../../src/without_proxies.ts";
import type { Proxy } from "./proxy.ts";

/**
 * An idle connection is used again for so long, in ms: shorter than hosts keep one (2 s and more), so that no request is on its way
 * to a connection that its host is about to close. Nobody could tell then whether it was read.
 */
const IDLE_MS = 1000;

/** What tells one HTTP client from another. */
export interface Way {
  /** Null for none, whatever the environment says. */
  readonly proxy: Proxy | null;
  readonly caFile: CertificateFile | null;
}

/** A file of certificates that are trusted beside those of Mozilla and the system. */
export interface CertificateFile {
  readonly path: string;
  /** The key of the config, for sentences. */
  readonly key: string;
}

/** The HTTP clients, one for each way that requests go. */
export class Clients {
  readonly #clients = new Map<string, Deno.HttpClient>();

  /** Makes the client for a way, where there is none yet. Throws a sentence where it cannot be made. */
  async add(way: Way): Promise<void> {
    if (this.#clients.has(keyOf(way))) return;
    const { proxy, caFile } = way;
    const options: Deno.CreateHttpClientOptions = { poolIdleTimeout: IDLE_MS };
    if (caFile !== null) options.caCerts = [await certificates(caFile)];
    if (proxy !== null) options.proxy = proxyOptions(proxy);
    this.#clients.set(keyOf(way), createClient(options, caFile));
  }

  /** The client for a way that was added. */
  of(way: Way): Deno.HttpClient {
    return this.#clients.get(keyOf(way))!;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

function keyOf({ proxy, caFile }: Way): string {
  return JSON.stringify([proxy?.url, proxy?.basicAuth, caFile?.path]);
}

function proxyOptions({ url, basicAuth }: Proxy): Deno.Proxy {
  return basicAuth === undefined ? { url } : { url, basicAuth };
}

function createClient(
  options: Deno.CreateHttpClientOptions,
  caFile: CertificateFile | null,
): Deno.HttpClient {
  try {
    return withoutProxies(() => Deno.createHttpClient(options));
  } catch (error) {
    // Deno's word for a certificate that cannot be read; what is not granted is told by the host.
    if (caFile === null || !(error instanceof TypeError)) throw error;
    throw new Error(`${caFile.key}: ${caFile.path} has a certificate that cannot be read: ${error.message}`);
  }
}

async function certificates({ path, key }: CertificateFile): Promise<string> {
  const text = await readNamedFile(path, key);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new Error(`${key}: ${path} has no certificate in it, in PEM form`);
}
