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
  #path: string;
  readonly #own: Deno.FileInfo;

  private constructor(readonly listener: Deno.Listener, path: string) {
    this.#path = path;
    this.#own = Deno.lstatSync(path);
  }

  /** Throws the system's error where it cannot be had, AddrInUse where the path is taken. */
  static listen(path: string): UnixSocket {
    return new UnixSocket(listenBeside(path, spareBytes(path)), path);
  }

  get addr(): Deno.UnixAddr {
    return { transport: "unix", path: this.#path };
  }

  get bound(): Deno.Addr {
    return this.listener.addr;
  }

  /** Is found at another path of the same file system from now on. Throws the system's error, AddrInUse where it is taken. */
  move(path: string): void {
    spareBytes(path);
    try {
      Deno.linkSync(this.#path, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw new Deno.errors.AddrInUse(`there is something at ${path}`);
    }
    if (isFile(this.#path, this.#own)) Deno.removeSync(this.#path);
    this.#path = path;
  }

  accept(): Promise<Deno.Conn> {
    return this.listener.accept();
  }

  close(): void {
    const path = this.#path;
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

/** Bytes that a path might have more. Throws where it has too many. */
function spareBytes(path: string): number {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes <= MAX_PATH_BYTES) return MAX_PATH_BYTES - bytes;
  throw new Error(`the path has ${bytes} bytes; that of a Unix socket has ${MAX_PATH_BYTES} at most`);
}

function isFile(path: string, { dev, ino }: Deno.FileInfo): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.dev === dev && info.ino === ino;
  } catch {
    return false;
  }
}
