import { TlsError } from "./tls_error.ts";

/** What a pointer to nothing is. */
export const NULL: Deno.PointerValue = null;

const SSL_SYMBOLS = {
  TLS_server_method: { parameters: [], result: "pointer" },
  SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
  SSL_CTX_free: { parameters: ["pointer"], result: "void" },
  SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  SSL_CTX_set_options: { parameters: ["pointer", "u64"], result: "u64" },
  SSL_CTX_set_cipher_list: { parameters: ["pointer", "buffer"], result: "i32" },
  SSL_CTX_use_certificate: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_use_PrivateKey: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_get_cert_store: { parameters: ["pointer"], result: "pointer" },
  SSL_CTX_add_client_CA: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_set_verify: { parameters: ["pointer", "i32", "pointer"], result: "void" },
  SSL_CTX_set_session_id_context: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  SSL_CTX_set_alpn_select_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
  SSL_select_next_proto: {
    parameters: ["pointer", "pointer", "buffer", "u32", "pointer", "u32"],
    result: "i32",
  },
  SSL_new: { parameters: ["pointer"], result: "pointer" },
  SSL_free: { parameters: ["pointer"], result: "void" },
  SSL_set_fd: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_set_accept_state: { parameters: ["pointer"], result: "void" },
  SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
  SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  SSL_shutdown: { parameters: ["pointer"], result: "i32" },
  SSL_get_error: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_pending: { parameters: ["pointer"], result: "i32" },
  SSL_get1_peer_certificate: { parameters: ["pointer"], result: "pointer" },
} as const;

const CRYPTO_SYMBOLS = {
  BIO_s_mem: { parameters: [], result: "pointer" },
  BIO_new: { parameters: ["pointer"], result: "pointer" },
  BIO_free: { parameters: ["pointer"], result: "i32" },
  BIO_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  BIO_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  PEM_read_bio_X509: { parameters: ["pointer", "pointer", "pointer", "pointer"], result: "pointer" },
  PEM_read_bio_PrivateKey: { parameters: ["pointer", "pointer", "pointer", "buffer"], result: "pointer" },
  X509_free: { parameters: ["pointer"], result: "void" },
  EVP_PKEY_free: { parameters: ["pointer"], result: "void" },
  X509_STORE_add_cert: { parameters: ["pointer", "pointer"], result: "i32" },
  X509_get0_notBefore: { parameters: ["pointer"], result: "pointer" },
  X509_get0_notAfter: { parameters: ["pointer"], result: "pointer" },
  ASN1_TIME_to_tm: { parameters: ["pointer", "buffer"], result: "i32" },
  X509_get_subject_name: { parameters: ["pointer"], result: "pointer" },
  X509_NAME_print_ex: { parameters: ["pointer", "pointer", "i32", "u64"], result: "i32" },
  ERR_get_error: { parameters: [], result: "u64" },
  ERR_clear_error: { parameters: [], result: "void" },
  ERR_reason_error_string: { parameters: ["u64"], result: "pointer" },
} as const;

/** Of a protocol's choice: none in common ends the handshake, by an alert that says so. */
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
const OPENSSL_NPN_NEGOTIATED = 1;

/** int (SSL *, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned int inlen, void *) */
const ALPN_CALLBACK = {
  parameters: ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"],
  result: "i32",
} as const;

type AlpnCallback = Deno.UnsafeCallback<typeof ALPN_CALLBACK>;

/**
 * The system's OpenSSL 3. All calls are made on one thread and none of them blocks: the sockets are without waiting. After a
 * call that has failed the thread's error queue must be emptied, by {@link problem} or ERR_clear_error: the next one's result
 * is judged by it, too.
 */
export class OpenSsl {
  readonly ssl: Deno.DynamicLibrary<typeof SSL_SYMBOLS>["symbols"];
  readonly crypto: Deno.DynamicLibrary<typeof CRYPTO_SYMBOLS>["symbols"];
  /** Of each list of protocols. */
  readonly #alpn = new Map<string, AlpnCallback>();

  private constructor(
    readonly libssl: Deno.DynamicLibrary<typeof SSL_SYMBOLS>,
    readonly libcrypto: Deno.DynamicLibrary<typeof CRYPTO_SYMBOLS>,
  ) {
    this.ssl = libssl.symbols;
    this.crypto = libcrypto.symbols;
  }

  /** Loads it; to be closed by whoever has. Throws TlsError where there is none. */
  static load(): OpenSsl {
    if (Deno.build.os !== "linux") {
      throw new TlsError("TLS is to be had on Linux alone; put a proxy in front");
    }
    try {
      const libcrypto = Deno.dlopen("libcrypto.so.3", CRYPTO_SYMBOLS);
      try {
        return new OpenSsl(Deno.dlopen("libssl.so.3", SSL_SYMBOLS), libcrypto);
      } catch (error) {
        libcrypto.close();
        throw error;
      }
    } catch {
      throw new TlsError("TLS needs OpenSSL 3, and there is no libssl.so.3: install it (Debian: libssl3)");
    }
  }

  /** Frees nothing that it has made: contexts and sockets are to be freed before. */
  close(): void {
    for (const callback of this.#alpn.values()) callback.close();
    this.libssl.close();
    this.libcrypto.close();
  }

  /** What chooses among the protocols of a caller: the first of these that it names. */
  alpn(protocols: readonly string[]): Deno.PointerValue {
    const key = protocols.join();
    const known = this.#alpn.get(key);
    if (known !== undefined) return known.pointer;
    const list = protocolList(protocols);
    const callback = new Deno.UnsafeCallback(
      ALPN_CALLBACK,
      (_ssl, out, outLength, names, namesLength) => {
        const choice = this.ssl.SSL_select_next_proto(out, outLength, list, list.length, names, namesLength);
        return choice === OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
      },
    );
    this.#alpn.set(key, callback);
    return callback.pointer;
  }

  /** What has gone wrong in the calls since it was asked last, as OpenSSL says it; empties the queue. */
  problem(): string {
    const code = this.crypto.ERR_get_error();
    const reason = code === 0n ? null : this.crypto.ERR_reason_error_string(code);
    this.crypto.ERR_clear_error();
    return reason === null ? "no reason was told" : Deno.UnsafePointerView.getCString(reason);
  }

  /** What is written to a memory BIO, as text. */
  textOf(write: (bio: Deno.PointerValue) => void): string {
    const bio = this.crypto.BIO_new(this.crypto.BIO_s_mem());
    try {
      write(bio);
      const chunk = new Uint8Array(1024);
      const decoder = new TextDecoder();
      let text = "";
      for (let count = 1; count > 0;) {
        count = this.crypto.BIO_read(bio, chunk, chunk.length);
        text += decoder.decode(chunk.subarray(0, Math.max(count, 0)), { stream: count > 0 });
      }
      return text;
    } finally {
      this.crypto.BIO_free(bio);
    }
  }
}

/** The names as they stand in a message, each behind its length; in memory that stays where it is: OpenSSL keeps a pointer for a moment. */
function protocolList(protocols: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = protocols.map((name) => new TextEncoder().encode(name));
  const bytes = new Uint8Array(new ArrayBuffer(names.reduce((sum, { length }) => sum + 1 + length, 0)));
  let at = 0;
  for (const name of names) {
    bytes[at++] = name.length;
    bytes.set(name, at);
    at += name.length;
  }
  return bytes;
}
