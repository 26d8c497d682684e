import { NULL, type OpenSsl } from "./openssl.ts";
import type { TlsContext } from "./tls_context.ts";

const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_SYSCALL = 5;
const SSL_ERROR_ZERO_RETURN = 6;
/**
 * How a name is written: as in RFC 2253 (`CN=shop,O=Example`, the last part first), control characters and what has a meaning
 * there escaped, and characters beyond ASCII as they are. `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb` does the same.
 */
const NAME_FORM = 0x1110313n;

/** What a read or write comes to that moves nothing. */
const ENDED = 0;
const NOTHING_NOW = -1;
const BROKEN = -2;

/** TLS over a socket that does not wait. Whoever made it frees it. */
export class TlsSocket {
  /** Why the handshake has failed, as OpenSSL says it; empty before. */
  problem = "";
  /** The next step is possible when the socket takes bytes, not when it has some. */
  wantsWrite = false;
  /** The other side has gone, without an error of its own. */
  wasLeft = false;
  #isSecure = false;
  #isBroken = false;
  readonly #openssl: OpenSsl;
  readonly #pointer: Deno.PointerValue;

  constructor(context: TlsContext, fd: number) {
    this.#openssl = context.openssl;
    const { ssl } = this.#openssl;
    this.#pointer = ssl.SSL_new(context.pointer);
    if (this.#pointer === NULL) throw new Error(`no memory for a TLS connection: ${this.#openssl.problem()}`);
    ssl.SSL_set_fd(this.#pointer, fd);
    ssl.SSL_set_accept_state(this.#pointer);
  }

  /** Goes on with the handshake. An alert that says why it has failed is sent already. */
  handshake(): "done" | "waiting" | "failed" {
    const result = this.#openssl.ssl.SSL_do_handshake(this.#pointer);
    if (result === 1) {
      this.#isSecure = true;
      this.wantsWrite = false;
      return "done";
    }
    return this.#outcome(result) === NOTHING_NOW ? "waiting" : "failed";
  }

  /** Bytes that were read, 0 at the end, -1 where there is nothing now, -2 where it is broken. */
  read(into: Uint8Array<ArrayBuffer>): number {
    const count = this.#openssl.ssl.SSL_read(this.#pointer, into, into.length);
    return count > 0 ? count : this.#outcome(count);
  }

  /** Whether there is more of the record that was read last: no event tells of that. */
  get hasMore(): boolean {
    return this.#openssl.ssl.SSL_pending(this.#pointer) > 0;
  }

  /**
   * Bytes that were taken, of the first `length`; -1 where none is now, -2 where it is broken. What was not taken must be what
   * is tried next.
   */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const count = this.#openssl.ssl.SSL_write(this.#pointer, bytes, length);
    return count > 0 ? count : this.#outcome(count);
  }

  /** Tells the other side that nothing more comes. */
  end(): void {
    if (!this.#isSecure || this.#isBroken) return;
    if (this.#openssl.ssl.SSL_shutdown(this.#pointer) < 0) this.#openssl.crypto.ERR_clear_error();
  }

  /** The subject of the certificate that the caller has shown, checked; null where it has shown none. */
  get certificateSubject(): string | null {
    const { ssl, crypto } = this.#openssl;
    const certificate = ssl.SSL_get1_peer_certificate(this.#pointer);
    if (certificate === NULL) return null;
    try {
      const name = crypto.X509_get_subject_name(certificate);
      return this.#openssl.textOf((bio) => crypto.X509_NAME_print_ex(bio, name, 0, NAME_FORM));
    } finally {
      crypto.X509_free(certificate);
    }
  }

  free(): void {
    this.#openssl.ssl.SSL_free(this.#pointer);
  }

  #outcome(result: number): typeof ENDED | typeof NOTHING_NOW | typeof BROKEN {
    const error = this.#openssl.ssl.SSL_get_error(this.#pointer, result);
    this.wantsWrite = error === SSL_ERROR_WANT_WRITE;
    if (error === SSL_ERROR_WANT_READ || this.wantsWrite) return NOTHING_NOW;
    if (error === SSL_ERROR_ZERO_RETURN) {
      this.wasLeft = true;
      return ENDED;
    }
    this.#isBroken = true;
    this.wasLeft = error === SSL_ERROR_SYSCALL;
    if (this.wasLeft) this.#openssl.crypto.ERR_clear_error();
    this.problem = this.wasLeft ? "the connection ended" : this.#openssl.problem();
    return BROKEN;
  }
}
