import type { OpenSsl } from "./openssl.ts";
import { NULL } from "./openssl.ts";
import { TlsError } from "./tls_error.ts";
import type { TlsVersion } from "./tls_settings.ts";

/** The versions as messages have them. */
const VERSION_NUMBERS = { "1.2": 0x0303n, "1.3": 0x0304n } as const satisfies Record<TlsVersion, bigint>;

/** Of TLS 1.2 only what keeps its secrets when the key is lost, and has no padding to be asked about; those of 1.3 are such. */
const TLS_1_2_CIPHERS = cText("ECDHE+AESGCM:ECDHE+CHACHA20");

const SSL_CTRL_EXTRA_CHAIN_CERT = 14;
const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
/** PARTIAL_WRITE: a record at a time. MOVING_WRITE_BUFFER: what is tried again may lie elsewhere. RELEASE_BUFFERS: who is idle has none. */
const SSL_MODES = 0x1n | 0x2n | 0x10n;
/** IGNORE_UNEXPECTED_EOF (messages tell their length themselves), NO_COMPRESSION, CIPHER_SERVER_PREFERENCE, NO_RENEGOTIATION. */
const SSL_OPTIONS = (1n << 7n) | (1n << 17n) | (1n << 22n) | (1n << 30n);
const SSL_VERIFY_NONE = 0;
/** PEER, and FAIL_IF_NO_PEER_CERT. */
const SSL_VERIFY_REQUIRED = 0x3;
/** Sessions are resumed by those alone who have proven themselves under the same context. */
const SESSION_ID_CONTEXT = new TextEncoder().encode("mevent");
/** No pass phrase: without one OpenSSL asks on the terminal. */
const NO_PASS_PHRASE = new Uint8Array(1);
/** struct tm: nine ints and what the C library adds. */
const TM_BYTES = 64;

/** What a context is made of: PEM text, and where each is from. */
export interface PemFiles {
  readonly cert: PemFile;
  readonly key: PemFile;
  readonly clientCa: PemFile | null;
}

export interface PemFile {
  readonly path: string;
  readonly text: string;
}

/** A certificate with its key, the authorities of callers' certificates, and the rules: what new connections are served with. */
export class TlsContext {
  /** When the certificate begins and ceases to be valid, in ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;

  private constructor(
    readonly openssl: OpenSsl,
    readonly pointer: Deno.PointerValue,
    leaf: Deno.PointerValue,
  ) {
    const { crypto } = openssl;
    this.notBefore = timeOf(openssl, crypto.X509_get0_notBefore(leaf));
    this.notAfter = timeOf(openssl, crypto.X509_get0_notAfter(leaf));
  }

  /**
   * Throws TlsError where a file is not what it should be, or the key is another certificate's.
   *
   * @param protocols names for ALPN; a caller that names others alone is refused
   */
  static make(
    openssl: OpenSsl,
    files: PemFiles,
    least: TlsVersion,
    protocols: readonly string[],
  ): TlsContext {
    const { ssl, crypto } = openssl;
    crypto.ERR_clear_error();
    const pointer = ssl.SSL_CTX_new(ssl.TLS_server_method());
    const certificates: Deno.PointerValue[] = [];
    try {
      ssl.SSL_CTX_set_options(pointer, SSL_OPTIONS);
      ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, SSL_MODES, NULL);
      ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, VERSION_NUMBERS[least], NULL);
      ssl.SSL_CTX_set_cipher_list(pointer, TLS_1_2_CIPHERS);
      ssl.SSL_CTX_set_session_id_context(pointer, SESSION_ID_CONTEXT, SESSION_ID_CONTEXT.length);
      ssl.SSL_CTX_set_alpn_select_cb(pointer, openssl.alpn(protocols), NULL);
      const chain = readCertificates(openssl, files.cert, certificates);
      useCertificates(openssl, pointer, files.cert, chain);
      useKey(openssl, pointer, files);
      if (files.clientCa === null) ssl.SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, NULL);
      else trust(openssl, pointer, readCertificates(openssl, files.clientCa, certificates));
      return new TlsContext(openssl, pointer, chain[0]!);
    } catch (error) {
      ssl.SSL_CTX_free(pointer);
      throw error;
    } finally {
      for (const certificate of certificates) crypto.X509_free(certificate);
      crypto.ERR_clear_error();
    }
  }

  /** Connections that were made with it go on. */
  free(): void {
    this.openssl.ssl.SSL_CTX_free(this.pointer);
  }
}

/** All of a file, the first one first. Each is put into `owned` also, to be freed. */
function readCertificates(
  openssl: OpenSsl,
  { path, text }: PemFile,
  owned: Deno.PointerValue[],
): Deno.PointerValue[] {
  const { crypto } = openssl;
  const found = reading(openssl, text, (bio) => {
    const all: Deno.PointerValue[] = [];
    for (;;) {
      const certificate = crypto.PEM_read_bio_X509(bio, NULL, NULL, NULL);
      if (certificate === null) return all;
      owned.push(certificate);
      all.push(certificate);
    }
  });
  const blocks = text.match(/^-----BEGIN (X509 )?CERTIFICATE-----/gm)?.length ?? 0;
  if (found.length === 0 || found.length < blocks) {
    const which = blocks === 0 ? "" : `: number ${found.length + 1} cannot be read (${openssl.problem()})`;
    throw new TlsError(`${path} holds no certificates in PEM${which}`);
  }
  crypto.ERR_clear_error();
  return found;
}

function useCertificates(
  openssl: OpenSsl,
  pointer: Deno.PointerValue,
  { path, text }: PemFile,
  [leaf]: readonly Deno.PointerValue[],
): void {
  const { ssl, crypto } = openssl;
  if (ssl.SSL_CTX_use_certificate(pointer, leaf!) !== 1) {
    throw new TlsError(`the certificate in ${path} cannot be used: ${openssl.problem()}`);
  }
  // The context takes those of the chain over: it gets copies of its own.
  reading(openssl, text, (bio) => {
    crypto.X509_free(crypto.PEM_read_bio_X509(bio, NULL, NULL, NULL));
    for (;;) {
      const above = crypto.PEM_read_bio_X509(bio, NULL, NULL, NULL);
      if (above === null) return;
      if (ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_EXTRA_CHAIN_CERT, 0n, above) !== 1n) {
        crypto.X509_free(above);
        throw new TlsError(
          `a certificate above the first one in ${path} cannot be used: ${openssl.problem()}`,
        );
      }
    }
  });
  crypto.ERR_clear_error();
}

function useKey(openssl: OpenSsl, pointer: Deno.PointerValue, { cert, key }: PemFiles): void {
  const { ssl, crypto } = openssl;
  const parsed = reading(
    openssl,
    key.text,
    (bio) => crypto.PEM_read_bio_PrivateKey(bio, NULL, NULL, NO_PASS_PHRASE),
  );
  if (parsed === null) {
    const why = key.text.includes("ENCRYPTED")
      ? "it is encrypted; mevent asks for no pass phrase"
      : openssl.problem();
    throw new TlsError(`${key.path} holds no private key in PEM that can be read: ${why}`);
  }
  const used = ssl.SSL_CTX_use_PrivateKey(pointer, parsed);
  crypto.EVP_PKEY_free(parsed);
  if (used !== 1) {
    throw new TlsError(`the key in ${key.path} is not that of ${cert.path}: ${openssl.problem()}`);
  }
}

/** Callers show a certificate that one of these has signed. */
function trust(
  openssl: OpenSsl,
  pointer: Deno.PointerValue,
  authorities: readonly Deno.PointerValue[],
): void {
  const { ssl, crypto } = openssl;
  const store = ssl.SSL_CTX_get_cert_store(pointer);
  for (const authority of authorities) {
    crypto.X509_STORE_add_cert(store, authority);
    ssl.SSL_CTX_add_client_CA(pointer, authority);
  }
  ssl.SSL_CTX_set_verify(pointer, SSL_VERIFY_REQUIRED, NULL);
}

function reading<T>({ crypto }: OpenSsl, text: string, read: (bio: Deno.PointerValue) => T): T {
  const bio = crypto.BIO_new(crypto.BIO_s_mem());
  try {
    const bytes = new TextEncoder().encode(text);
    crypto.BIO_write(bio, bytes, bytes.length);
    return read(bio);
  } finally {
    crypto.BIO_free(bio);
  }
}

function timeOf({ crypto }: OpenSsl, time: Deno.PointerValue): number {
  const tm = new Int32Array(TM_BYTES / Int32Array.BYTES_PER_ELEMENT);
  if (crypto.ASN1_TIME_to_tm(time, new Uint8Array(tm.buffer)) !== 1) return NaN;
  const [second, minute, hour, day, month, year] = tm;
  return Date.UTC(year! + 1900, month!, day!, hour!, minute!, second!);
}

function cText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
