import { isDeepStrictEqual } from "node:util";
import type { ListenerConfig } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import type { CertificateStats } from "../observe/server_stats.ts";
import { Certificates } from "../tls/certificates.ts";
import { OpenSsl } from "../tls/openssl.ts";

/** Reads the certificates of listeners; the library that they need is loaded for the first of them. */
export class CertificateKeeper {
  #openssl: OpenSsl | null = null;

  constructor(readonly log: Log) {}

  /**
   * What a listener serves TLS with; null where it serves none. Where its settings are as before, that is what it has, taken anew
   * as far as its files can be used. Rejects with TlsError where there is none before, and there can be none now.
   */
  async certificatesOf(
    config: ListenerConfig,
    listener: string,
    protocols: readonly string[],
    before: Certificates | null,
  ): Promise<Certificates | null> {
    if (config.transport === "unix" || config.tls === null) return null;
    if (before !== null && isDeepStrictEqual(before.settings, config.tls)) {
      await before.refresh();
      return before;
    }
    const { log } = this;
    const openssl = this.#openssl ??= OpenSsl.load();
    return await Certificates.load(config.tls, { openssl, protocols, listener, log });
  }

  /** All connections are closed, and all certificates. */
  close(): void {
    this.#openssl?.close();
    this.#openssl = null;
  }
}

/** Of a listener's certificate, as the stats have it. */
export function certificateStats(listener: string, { notAfter }: Certificates): CertificateStats {
  const isKnown = !Number.isNaN(notAfter);
  return {
    listener,
    expires: isKnown ? new Date(notAfter).toISOString() : null,
    expires_in_seconds: isKnown ? Math.round((notAfter - Date.now()) / 1000) : null,
  };
}
