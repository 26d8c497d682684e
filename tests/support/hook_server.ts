/** Nobody vouches for it: for servers that are not to be trusted. */
export const SELF_SIGNED = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUcuHtYdfick4SZWr5TPt2pROS+mcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzAzNTIzNFoYDzIxMjYxMDMw
MDM1MjM0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATvt9YZ4/wLR0rCgG0gT1H5wMgig+Q3Npa/auyO0kS08D4pJYUD69lW
HQhXMyxJruC2HCICJ3p0FBQhw4FBUeRXo28wbTAdBgNVHQ4EFgQUBDF0O+udG3wN
4Pq7oi+5ZSWLx+swHwYDVR0jBBgwFoAUBDF0O+udG3wN4Pq7oi+5ZSWLx+swDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAIz2vF9O8qsojjAO85Jj29swBl0H9cuf7RpvaxwV4t4HAiAZ
5gbu7Vn3ORnKzM7S2ma69VgkW26p/51uUPkFss/hyg==
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/tbdRV62sH1lNjh6
ZTxZiN3PIREX7JTz6x+tJW1G826hRANCAATvt9YZ4/wLR0rCgG0gT1H5wMgig+Q3
Npa/auyO0kS08D4pJYUD69lWHQhXMyxJruC2HCICJ3p0FBQhw4FBUeRX
-----END PRIVATE KEY-----`,
};

/** The certificate of a house's own authority, whose key nobody has any more. */
export const HOUSE_CA = `-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUdC6nHFt5XfD7Hl3rFImGtAXD45YwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwISG91c2UgQ0EwIBcNMjYxMTI4MDAwMTMyWhgPMjEyNjExMDQw
MDAxMzJaMBMxETAPBgNVBAMMCEhvdXNlIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEpjT3vXrjf6516WyLVdOHW5Oz63WkQg1gL2fqcR+mWGATFl9ZgYAb+Mzg
bU+4FdFXHsu18fgyvKk07xuiu7DKu6NjMGEwHQYDVR0OBBYEFD5imRDnuo8X6uKk
BXI9iZeg9DvxMB8GA1UdIwQYMBaAFD5imRDnuo8X6uKkBXI9iZeg9DvxMA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMAoGCCqGSM49BAMCA0gAMEUCIDBi
9z/x8PepFSK0p+WtQhpyTE1NXEAY3ygwAM1JBr/oAiEAqMJeLlAJXJN6DBEplwSQ
VytBUzXC84OVq9kOGQ766GM=
-----END CERTIFICATE-----
`;

/** Vouched for by {@link HOUSE_CA}: for `localhost` and 127.0.0.1. */
export const HOUSE_SIGNED = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBkzCCATqgAwIBAgIUNqe1TGaNHNtIGhlr+jsmhZ4g/uUwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwISG91c2UgQ0EwIBcNMjYxMTI4MDAwMTMyWhgPMjEyNjExMDQw
MDAxMzJaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABKkg59BSR58wP7VkeqbUz1AFlfuzac2qPz9ZPfhifiXKDvvOFjCg1x6k
QtJ1qYtkk9ojC/lVnU/OitdALx8EcmqjaTBnMBoGA1UdEQQTMBGCCWxvY2FsaG9z
dIcEfwAAATAJBgNVHRMEAjAAMB0GA1UdDgQWBBSLEWXlb4fCqN7U7vYc6CYB7Qol
DjAfBgNVHSMEGDAWgBQ+YpkQ57qPF+ripAVyPYmXoPQ78TAKBggqhkjOPQQDAgNH
ADBEAiA+ibFBrZELXr/Xzc8BIabojhsCAqVEMTY8ZNE/HJK68AIgNiM3MnPbM/kc
shOc76vGxMy+kIRAxqG5Bk736p/cLV8=
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg80cjCg961PTk27wq
1QFKl5dk5huAtPYiqTG1brl5I5qhRANCAASpIOfQUkefMD+1ZHqm1M9QBZX7s2nN
qj8/WT34Yn4lyg77zhYwoNcepELSdamLZJPaIwv5VZ1PzorXQC8fBHJq
-----END PRIVATE KEY-----`,
};

/** A request that came, and when; monotonic, in ms. */
export interface Received {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** An HTTP server that does what the test says with each request, and keeps what came. */
export class HookServer implements AsyncDisposable {
  readonly received: Received[] = [];
  /** Requests that have not been answered yet, now and at most. */
  open = 0;
  mostOpen = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  readonly #closing = Promise.withResolvers<null>();

  constructor(
    public answer: (received: Received) => Response | Promise<Response>,
    options: { readonly cert?: string; readonly key?: string; readonly port?: number } = {},
  ) {
    const { port = 0, ...tls } = options;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen() {}, signal: this.#abort.signal, ...tls },
      (request) => this.#take(request),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.resolve(null);
    // Not `shutdown`: it has been seen to wait for ever where responses had broken off.
    this.#abort.abort();
    await this.#server.finished;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #take(request: Request): Promise<Response> {
    const at = performance.now();
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    try {
      const { method, headers } = request;
      const received = {
        at,
        method,
        headers,
        path: new URL(request.url).pathname,
        body: await request.text(),
      };
      this.received.push(received);
      return await Promise.race([this.answer(received), this.#closing.promise]) ??
        new Response("the server ends", { status: 503 });
    } finally {
      this.open--;
    }
  }
}

/**
 * A server that reads whole requests, writes what the test has for each and closes: what is no answer, or half of one. Where
 * the test has nothing for it, it closes without a word.
 */
export class RawHookServer implements Disposable {
  /** What came, head and body, a text each. */
  readonly received: string[] = [];
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(
    readonly answer: string | ((request: string) => string),
    /** Answers to follow each other on a connection, before it is closed. */
    readonly answersEach = 1,
  ) {
    this.#listen();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #listen(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      this.#serve(connection).catch(() => {}).finally(() => connection.close());
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    for (let i = 0; i < this.answersEach; i++) {
      const request = await readRequest(connection);
      if (request === null) return;
      this.received.push(request);
      const answer = typeof this.answer === "string" ? this.answer : this.answer(request);
      const isLast = i === this.answersEach - 1;
      await connection.write(new TextEncoder().encode(isLast ? announcingEnd(answer) : answer));
    }
  }
}

/** As hosts do before they close: a client that does not know may use the connection again at that moment. */
function announcingEnd(answer: string): string {
  return answer.includes("\r\n\r\n") ? answer.replace("\r\n", "\r\nconnection: close\r\n") : answer;
}

/** A request with its body, or null where the connection ends before it does. */
async function readRequest(connection: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(65_536);
  for (let text = "";;) {
    const count = await connection.read(buffer);
    if (count === null) return null;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) continue;
    const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
    if (text.length >= head + 4 + length) return text;
  }
}
