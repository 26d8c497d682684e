import { socketAddress } from "../../src/loadgen/dial.ts";

const SYMBOLS = { bind: { parameters: ["i32", "buffer", "u32"], result: "i32" } } as const;
const BYTE = 256;

/** Addresses of this machine, 127.1.0.0 and those behind it, from which sockets come by turns: many callers, as a server sees them. */
export class LoopbackAddresses implements Disposable {
  readonly #library = Deno.dlopen("libc.so.6", SYMBOLS);
  #next = 0;

  constructor(readonly count: number) {}

  /** Has a socket that is not connected yet come from the next one. */
  readonly bind = (fd: number): void => {
    const at = this.#next++ % this.count;
    const hostname = `127.${1 + Math.floor(at / BYTE ** 2)}.${Math.floor(at / BYTE) % BYTE}.${at % BYTE}`;
    const address = socketAddress({ transport: "tcp", hostname, port: 0 })!;
    if (this.#library.symbols.bind(fd, address, address.length) === 0) return;
    throw new Error(`no socket can come from ${hostname}`);
  };

  [Symbol.dispose](): void {
    this.#library.close();
  }
}
