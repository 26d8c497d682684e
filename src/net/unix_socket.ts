/** Bytes of a socket's path that the system takes, its last NUL aside. */
const MAX_PATH_BYTES = Deno.build.os === "linux" ? 107 : 103;
/** Characters of the name that a socket is made under at most; short ones are tried again where they are taken. */
const NAME_CHARS = 12;
const TRIES = 10;

/** What is accepted from: a socket of Deno's own, or one of ours around it. */
export interface ListenSocket {
  readonly addr: Deno.Addr;
  /** What the kernel says it is bound to, where that is another name. */
  readonly bound?: Deno.Addr;
  accept(): Promise<Deno.Conn>;
  close(): void;
}

/**
 * A Unix socket that is listened on. Closing it removes its file only where that is still its own: a server that stops leaves
 * the socket of the one that has taken its place. Deno removes whatever has the path that it has bound; so that is another
 * one, of a name that is gone at once.
 */
export class UnixSocket implements ListenSocket {
  readonly addr: Deno.UnixAddr;
  readonly #own: Deno.FileInfo;

  private constructor(readonly listener: Deno.Listener, path: string) {
    this.addr = { transport: "unix", path };
    this.#own = Deno.lstatSync(path);
  }

  /** Throws the system's error where it cannot be had, AddrInUse where the path is taken. */
  static listen(path: string): UnixSocket {
    const bytes = new TextEncoder().encode(path).length;
    if (bytes > MAX_PATH_BYTES) {
      throw new Error(`the path has ${bytes} bytes; that of a Unix socket has ${MAX_PATH_BYTES} at most`);
    }
    return new UnixSocket(listenBeside(path, MAX_PATH_BYTES - bytes), path);
  }

  get bound(): Deno.Addr {
    return this.listener.addr;
  }

  accept(): Promise<Deno.Conn> {
    return this.listener.accept();
  }

  close(): void {
    const { path } = this.addr;
    // While it is bound nothing else can have its number.
    if (isFile(path, this.#own)) Deno.removeSync(path);
    this.listener.close();
  }
}

/**
 * Binds a socket to another name in the folder of `path`, and links it to `path`, which fails where something is there.
 *
 * @param spare bytes that the other name may have more than that of `path`
 */
function listenBeside(path: string, spare: number): Deno.Listener {
  const at = path.lastIndexOf("/") + 1;
  const chars = Math.min(NAME_CHARS, path.length - at + spare);
  for (let tries = 0; tries < TRIES; tries++) {
    const name = path.slice(0, at) + crypto.randomUUID().replaceAll("-", "").slice(0, chars);
    let listener: Deno.Listener;
    try {
      listener = Deno.listen({ transport: "unix", path: name });
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    try {
      Deno.linkSync(name, path);
    } catch (error) {
      listener.close();
      if (error instanceof Deno.errors.AlreadyExists) {
        throw new Deno.errors.AddrInUse(`there is something at ${path}`);
      }
      // A file system without links.
      break;
    }
    Deno.removeSync(name);
    return listener;
  }
  return Deno.listen({ transport: "unix", path });
}

function isFile(path: string, { dev, ino }: Deno.FileInfo): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.dev === dev && info.ino === ino;
  } catch {
    return false;
  }
}
