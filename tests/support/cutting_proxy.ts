/** What is to happen to a connection, looked at for each piece from the client. */
export type Cut =
  /** Both ends are closed before the piece is passed on. */
  | "before"
  /** The piece is passed on; when the server has answered, both ends are closed and the answer goes nowhere. */
  | "after"
  /** The piece is passed on, and nothing from the server is any more. */
  | "mute"
  | undefined;

/** A TCP proxy on a free port of the loopback that cuts connections where a test wants it. */
export class CuttingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  /** Pieces from clients that were cut. */
  cuts = 0;

  /** @param judge gets each piece that a client sends, as Latin-1 text */
  constructor(readonly target: number, public judge: (piece: string) => Cut) {
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Closes all connections. */
  cut(): void {
    for (const conn of this.#open) close(conn);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
    await Promise.all(this.#tasks);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      let server: Deno.Conn;
      try {
        server = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
      } catch {
        close(client);
        continue;
      }
      this.#open.add(client).add(server);
      const task = this.#pump(client, server);
      this.#tasks.add(task);
      task.finally(() => this.#tasks.delete(task));
    }
  }

  async #pump(client: Deno.Conn, server: Deno.Conn): Promise<void> {
    let cut: Cut;
    const both = () => {
      close(client);
      close(server);
      this.#open.delete(client);
      this.#open.delete(server);
    };
    await Promise.all([
      copy(client, async (bytes) => {
        cut ??= this.judge(new TextDecoder("latin1").decode(bytes));
        if (cut !== undefined) this.cuts++;
        if (cut === "before") return false;
        await writeAll(server, bytes);
        return true;
      }).finally(both),
      copy(server, async (bytes) => {
        if (cut === "after") return false;
        if (cut !== "mute") await writeAll(client, bytes);
        return true;
      }).finally(both),
    ]);
  }
}

/** Reads until the end, or until `take` wants no more. */
async function copy(from: Deno.Conn, take: (bytes: Uint8Array) => Promise<boolean>): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null || !await take(buffer.subarray(0, count))) return;
    }
  } catch {
    // The other direction has closed it, or the other side has reset it.
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It was closed already.
  }
}
