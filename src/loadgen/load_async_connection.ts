import { LoadConnection, type SharedLoad } from "./load_connection.ts";

/** A connection of a load over Deno's own sockets, where there is no epoll. */
export class LoadAsyncConnection extends LoadConnection {
  /** Resolves when nothing of it is under way. */
  ended: Promise<void> = Promise.resolve();
  readonly #written = (count: number) => this.#continue(count);
  readonly #failed = () => this.lose();

  /** Owns the socket from here on. */
  constructor(readonly conn: Deno.Conn, run: SharedLoad) {
    super(run);
  }

  override start(): void {
    this.send(performance.now());
    this.ended = this.#read();
  }

  protected override write(): void {
    if (this.unwritten !== null) this.conn.write(this.unwritten).then(this.#written, this.#failed);
  }

  protected override closeSocket(): void {
    this.conn.close();
  }

  #continue(count: number): void {
    if (this.unwritten === null || this.isClosed) return;
    if (count < this.unwritten.length) {
      this.unwritten = this.unwritten.subarray(count);
      return this.write();
    }
    this.unwritten = null;
    this.send(performance.now());
  }

  async #read(): Promise<void> {
    try {
      while (!this.isClosed) {
        const count = await this.conn.read(this.frames.space());
        if (count === null) break;
        if (!this.isClosed) this.received(count);
      }
    } catch {
      // A reset, or closed under the read: what was unanswered is lost in either case.
    }
    this.lose();
  }
}
