import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UnixSocket } from "../../src/net/unix_socket.ts";
import { streamRequest } from "../support/requests.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { TestServer } from "../support/test_server.ts";

async function inode(path: string): Promise<number | null> {
  return (await Deno.lstat(path).catch(() => null))?.ino ?? null;
}

Deno.test("a Unix socket is there under its own name alone, and takes its file with it where that is its own", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
  // The longest path, and one with a name of one letter.
  const longest = `${folder}/${"x".repeat(107 - folder.length - 1)}`;
  for (const path of [`${folder}/s`, `${folder}/mevent.sock`, longest]) {
    const socket = UnixSocket.listen(path);
    assertEquals([names(), socket.addr.path], [[path.slice(folder.length + 1)], path]);
    const accepted = socket.accept();
    using _caller = await Deno.connect({ transport: "unix", path });
    (await accepted).close();
    assertThrows(() => UnixSocket.listen(path), Deno.errors.AddrInUse);
    socket.close();
    assertEquals(names(), []);
  }
  assertThrows(() => UnixSocket.listen(`${longest}x`), Error, "the path has 108 bytes");
  // Whatever has taken its place stays: another socket, a file, a link.
  for (const successor of ["socket", "file", "link"]) {
    const path = `${folder}/s`;
    const socket = UnixSocket.listen(path);
    await Deno.remove(path);
    const other = successor === "socket" ? UnixSocket.listen(path) : null;
    if (successor === "file") await Deno.writeTextFile(path, "");
    if (successor === "link") await Deno.symlink("/dev/null", path);
    const before = await inode(path);
    socket.close();
    assertEquals(await inode(path), before, successor);
    other?.close();
    await Deno.remove(path).catch(() => {});
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a server that stops leaves the sockets of the one that has taken its place, the control socket too", async () => {
  for (const portableSockets of [false, true]) {
    const first = await TestServer.start({ control: true, portableSockets });
    const { directory } = first;
    await Deno.remove(first.unix);
    await Deno.remove(first.controlPath);
    await using second = await TestServer.start({
      portableSockets,
      server: { unix: first.unix, control: first.controlPath },
    });
    const before = await Promise.all([first.unix, first.controlPath].map(inode));
    assert(!before.includes(null));
    await first.server.stop();
    assertEquals(await Promise.all([first.unix, first.controlPath].map(inode)), before);
    using connection = new RawConnection(await Deno.connect({ transport: "unix", path: first.unix }));
    await connection.send(streamRequest({ params: { a: 1 } }));
    assertEquals((await connection.reply()).code, 1000);
    using control = await first.control();
    assertEquals((await control.ask({ command: "stats" })).ok, true);
    await second.server.stop();
    await assertRejects(() => Deno.lstat(first.unix), Deno.errors.NotFound);
    await assertRejects(() => Deno.lstat(first.controlPath), Deno.errors.NotFound);
    await Deno.remove(directory, { recursive: true });
  }
});
