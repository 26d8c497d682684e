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

/** A server that writes these bytes to whoever has sent something, and closes. */
export class RawHookServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(readonly answer: string) {
    this.#serve();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      await connection.read(new Uint8Array(65_536));
      await connection.write(new TextEncoder().encode(this.answer));
      connection.close();
    }
  }
}
