import type { ListenerConfig } from "../config/config.ts";
import type { KeyPath } from "../config/config_error.ts";
import { problemOfFiles } from "../tls/certificates.ts";
import { OpenSsl } from "../tls/openssl.ts";
import { TlsError } from "../tls/tls_error.ts";

/** What of a config keeps its listeners from serving TLS, and where it stands. */
export interface CertificateProblem {
  readonly path: KeyPath;
  readonly message: string;
}

/**
 * Reads the files of every `tls`, as a start would, and says which cannot be used.
 *
 * @param paths where the addresses of the listeners stand
 */
export async function certificateProblems(
  listeners: readonly ListenerConfig[],
  paths: readonly KeyPath[],
): Promise<CertificateProblem[]> {
  const problems = new Map<string, CertificateProblem>();
  let openssl: OpenSsl | null = null;
  try {
    for (const [at, config] of listeners.entries()) {
      if (config.transport === "unix" || config.tls === null) continue;
      const address = paths[at] ?? [];
      const path = [...address.slice(0, address[0] === "server" ? 1 : 2), "tls"];
      // A table with several addresses has one.
      if (problems.has(path.join())) continue;
      const message = await problemOfFiles(config.tls, openssl ??= OpenSsl.load());
      if (message !== null) problems.set(path.join(), { path, message });
    }
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    problems.set("", { path: ["server", "tls"], message: error.message });
  } finally {
    openssl?.close();
  }
  return [...problems.values()];
}
