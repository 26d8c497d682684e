/** A socket file that nobody listens on any more, left by a server that was killed, is in the way of the next one. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (await isStaleSocket(path)) Deno.removeSync(path);
}

/** Whether it is one; false where there is nothing. Throws where anything else has the path. */
export async function isStaleSocket(path: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  if (!info.isSocket) throw new Error("a file that is no socket has this path");
  let other: Deno.Conn;
  try {
    other = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    // Any other error may come from a server that lives: its backlog is full, or we may not talk to it.
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  }
  other.close();
  throw new Deno.errors.AddrInUse("another server listens there");
}
