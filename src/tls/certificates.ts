import type { Log } from "../observe/log.ts";
import { systemReason } from "../system_reason.ts";
import type { OpenSsl } from "./openssl.ts";
import { type PemFile, TlsContext } from "./tls_context.ts";
import { TlsError } from "./tls_error.ts";
import type { TlsSettings } from "./tls_settings.ts";

export interface CertificatesOptions {
  readonly openssl: OpenSsl;
  /** For ALPN. */
  readonly protocols: readonly string[];
  /** For the log: `tcp 127.0.0.1:26443`. */
  readonly listener: string;
  readonly log: Log;
}

/** What was read of the files at one time. */
interface Reading {
  readonly context: TlsContext;
  /** Of the content: what has the same is not taken anew. */
  readonly digest: string;
}

/** A certificate is called to mind so long before it ends, in ms. */
const SOON_MS = 7 * 24 * 3600 * 1000;

/**
 * The certificate that a listener serves new connections with. It is taken anew when its files have changed; where what they
 * hold then cannot be used, the one of before stays, and the log says so.
 */
export class Certificates {
  #context: TlsContext;
  #digest: string;
  /** What the files looked like when they were read, and at the last look. */
  #read: string;
  #seen: string;
  #looking = false;
  #isClosed = false;

  private constructor(
    readonly settings: TlsSettings,
    readonly options: CertificatesOptions,
    { context, digest }: Reading,
    stamps: string,
  ) {
    this.#context = context;
    this.#digest = digest;
    this.#read = this.#seen = stamps;
  }

  /** Rejects with TlsError where the files cannot be used. */
  static async load(settings: TlsSettings, options: CertificatesOptions): Promise<Certificates> {
    const stamps = await stampsOf(settings);
    const certificates = new Certificates(settings, options, await reading(settings, options), stamps);
    certificates.#tellValidity();
    return certificates;
  }

  /** That of the connections that come. */
  get context(): TlsContext {
    return this.#context;
  }

  /** When the certificate ceases to be valid, in ms since 1970. */
  get notAfter(): number {
    return this.#context.notAfter;
  }

  /**
   * Looks whether the files have changed, and takes them anew; to be called about once a second. Files that cannot be used are
   * looked at a second time before the log tells of it: a pair is two files, and one is written first.
   */
  async look(): Promise<void> {
    if (this.#looking || this.#isClosed) return;
    this.#looking = true;
    const stamps = await stampsOf(this.settings);
    const isSettled = stamps === this.#seen;
    this.#seen = stamps;
    if (stamps !== this.#read) await this.#take(stamps, isSettled);
    this.#looking = false;
  }

  /** Takes what the files hold now, at once; true where that is another certificate than before. Never rejects. */
  async refresh(): Promise<boolean> {
    return await this.#take(await stampsOf(this.settings), true);
  }

  /** No new connections are made with it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#context.free();
  }

  /** @param isSettled what is wrong stays: it is told, and not tried again before the files change */
  async #take(stamps: string, isSettled: boolean): Promise<boolean> {
    const { listener, log } = this.options;
    let fresh: Reading;
    try {
      fresh = await reading(this.settings, this.options);
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      if (!isSettled || this.#isClosed) return false;
      this.#read = stamps;
      log.error("TLS: the files have changed and cannot be used; the certificate of before stays", {
        listener,
        error: error.message,
        expires: textOf(this.notAfter),
      });
      return false;
    }
    this.#read = stamps;
    if (this.#isClosed || fresh.digest === this.#digest) {
      fresh.context.free();
      return false;
    }
    this.#context.free();
    this.#context = fresh.context;
    this.#digest = fresh.digest;
    log.info("TLS: new connections get another certificate", { listener, expires: textOf(this.notAfter) });
    this.#tellValidity();
    return true;
  }

  #tellValidity(): void {
    const { notBefore, notAfter } = this.#context;
    const { listener, log } = this.options;
    const fields = { listener, cert: this.settings.cert, from: textOf(notBefore), expires: textOf(notAfter) };
    const now = Date.now();
    if (notAfter <= now) log.warn("TLS: the certificate has expired: callers will refuse it", fields);
    else if (notBefore > now) {
      log.warn("TLS: the certificate is not valid yet: callers will refuse it", fields);
    } else if (notAfter - now < SOON_MS) log.warn("TLS: the certificate expires within a week", fields);
  }
}

/** Why a listener cannot serve with these files; null where it can. */
export async function problemOfFiles(settings: TlsSettings, openssl: OpenSsl): Promise<string | null> {
  try {
    (await reading(settings, { openssl, protocols: ["any"] })).context.free();
    return null;
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    return error.message;
  }
}

async function reading(
  settings: TlsSettings,
  { openssl, protocols }: Pick<CertificatesOptions, "openssl" | "protocols">,
): Promise<Reading> {
  const [cert, key] = await Promise.all([readPem("cert", settings.cert), readPem("key", settings.key)]);
  const clientCa = settings.clientCa === null ? null : await readPem("client_ca", settings.clientCa);
  const all = new TextEncoder().encode([cert, key, clientCa].map((file) => file?.text ?? "").join("\0"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex();
  return {
    context: TlsContext.make(openssl, { cert, key, clientCa }, settings.minVersion, protocols),
    digest,
  };
}

async function readPem(what: string, path: string): Promise<PemFile> {
  try {
    return { path, text: await Deno.readTextFile(path) };
  } catch (error) {
    throw new TlsError(`tls.${what} cannot be read: ${path}: ${systemReason(error, "file")}`);
  }
}

/** Time, size and identity of each: that sees what is renamed over, and links that lead elsewhere. */
async function stampsOf({ cert, key, clientCa }: TlsSettings): Promise<string> {
  const stamps = [cert, key, ...clientCa === null ? [] : [clientCa]].map(async (path) => {
    try {
      const { mtime, size, ino, dev } = await Deno.stat(path);
      return `${mtime?.getTime()} ${size} ${dev} ${ino}`;
    } catch {
      // Its absence is its state.
      return "";
    }
  });
  return (await Promise.all(stamps)).join("\n");
}

function textOf(time: number): string {
  return Number.isNaN(time) ? "unknown" : new Date(time).toISOString();
}
