import { MSG_DONTWAIT, MSG_NOSIGNAL } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
/** Of a path in a Unix socket's address, its last NUL included. */
const MAX_PATH_BYTES = 108;
const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** Of datagrams, which does not wait. */
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** A notify socket that cannot be used; the message says why. */
export class NotifySocketError extends Error {
  override readonly name = "NotifySocketError";
}

/**
 * The socket by which a service tells its manager how it is: datagrams to a Unix socket, whose name NOTIFY_SOCKET has. A name that
 * begins with "@" is of the abstract kind, which is in no folder and which Deno's own sockets do not reach.
 */
export class NotifySocket implements Disposable {
  private constructor(
    readonly library: Deno.DynamicLibrary<typeof SYMBOLS>,
    readonly descriptor: number,
  ) {}

  /** Throws NotifySocketError. */
  static open(name: string): NotifySocket {
    const address = addressOf(name);
    let library: Deno.DynamicLibrary<typeof SYMBOLS>;
    try {
      library = Deno.dlopen("libc.so.6", SYMBOLS);
    } catch {
      throw new NotifySocketError("libc.so.6 cannot be loaded");
    }
    const { socket, connect, close } = library.symbols;
    const descriptor = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, address, address.length) === 0) {
      return new NotifySocket(library, descriptor);
    }
    if (descriptor >= 0) close(descriptor);
    library.close();
    throw new NotifySocketError(
      descriptor < 0 ? "there is no descriptor left for it" : "nobody listens there",
    );
  }

  /** Sends lines as `READY=1`, in one datagram; false where it does not take any at the moment. */
  send(lines: readonly string[]): boolean {
    const bytes = new TextEncoder().encode(lines.join("\n"));
    return this.library.symbols.send(this.descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) ===
      bytes.length;
  }

  [Symbol.dispose](): void {
    this.library.symbols.close(this.descriptor);
    this.library.close();
  }
}

/**
 * struct sockaddr_un:
 *
 * ```
 * 0        2
 * | family | path, NUL            a file's
 * | family | NUL, name            of the abstract kind: its end is that of the address
 * ```
 */
function addressOf(name: string): Uint8Array<ArrayBuffer> {
  const isAbstract = name.startsWith("@");
  if (!isAbstract && !name.startsWith("/")) {
    throw new NotifySocketError("its name begins neither with / nor with @");
  }
  const path = new TextEncoder().encode(isAbstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > MAX_PATH_BYTES) {
    throw new NotifySocketError(`its name is longer than ${MAX_PATH_BYTES} bytes`);
  }
  const address = new Uint8Array(2 + path.length);
  address[0] = AF_UNIX;
  address.set(path, 2);
  return address;
}
