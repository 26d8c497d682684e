import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ControlError } from "../../src/server/control.ts";
import { RawControl } from "../support/raw_control.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("two servers have a control socket each, named after their ports, and a second server of the same name does not start", async () => {
  const folder = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: folder };
  {
    await using first = await TestServer.start({ server: { control: "auto" }, env });
    await using second = await TestServer.start({ server: { control: "auto" }, env });
    const names = [first, second].map(({ tcp }) => `mevent-${tcp.port}.sock`);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), names.sort());
    const taken = `${folder}/${names[0]}`;
    const error = await assertRejects(() => TestServer.start({ server: { control: taken } }), ControlError);
    assertEquals(
      error.message,
      `control: cannot listen on unix ${taken}: another server listens there; name another path, or "none"`,
    );
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("the control socket moves with the port that it has its name from, where that is free", async () => {
  const folder = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: folder };
  const names = () =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".sock"));
  const control = { control: "auto" };
  {
    await using server = await TestServer.start({ server: { ...control, udp: [] }, env });
    const first = `mevent-${server.tcp.port}.sock`;
    using kept = new RawControl(await Deno.connect({ transport: "unix", path: `${folder}/${first}` }));
    const listening = () => `mevent-${(server.server.streams[0]!.address as Deno.NetAddr).port}.sock`;
    const reload = (tcp: string) => server.reload({ server: { ...control, udp: [], tcp: [tcp] } });
    assertEquals((await server.reload({ server: { ...control, udp: [] } })).changed, []);
    const { changed } = await reload(`127.0.0.2:${freePortOf("127.0.0.2", server.tcp.port)}`);
    const second = listening();
    assertEquals(changed.at(-1), `control socket ${folder}/${first} -> ${folder}/${second}`);
    assertEquals([names(), server.server.controlAddresses], [[second], [`unix ${folder}/${second}`]]);
    using control2 = new RawControl(await Deno.connect({ transport: "unix", path: `${folder}/${second}` }));
    for (const each of [kept, control2]) assertEquals((await each.ask({ command: "stats" })).ok, true);
    // Another server has the next name: the socket keeps the one that it has.
    const port = freePortOf("127.0.0.3", server.tcp.port);
    using _other = Deno.listen({ transport: "unix", path: `${folder}/mevent-${port}.sock` });
    await reload(`127.0.0.3:${port}`);
    assertEquals(server.server.controlAddresses, [`unix ${folder}/${second}`]);
    assertStringIncludes(server.log.join(""), "the control socket keeps its name: name it with --control");
  }
  assertEquals(names(), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a control socket that a killed server left is replaced", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/control`;
  // Its file outlives the listener here, as it does a process that is killed.
  const dead = Deno.listen({ transport: "unix", path });
  await Deno.rename(path, `${path}.kept`);
  dead.close();
  await Deno.rename(`${path}.kept`, path);
  {
    await using _server = await TestServer.start({ server: { control: path } });
    using control = new RawControl(await Deno.connect({ transport: "unix", path }));
    assertEquals((await control.ask({ command: "stats" })).ok, true);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("in a temporary folder that all may write to, only a folder of our own and closed to others is used", async () => {
  const temporary = await Deno.makeTempDir();
  const env = { TMPDIR: temporary };
  const own = `${temporary}/mevent-${Deno.uid()}`;
  const start = () => TestServer.start({ server: { control: "auto" }, env });
  {
    await using server = await start();
    assertEquals((Deno.lstatSync(own).mode ?? 0) & 0o777, 0o700);
    assertEquals(server.server.controlAddresses, [`unix ${own}/mevent-${server.tcp.port}.sock`]);
  }
  await Deno.chmod(own, 0o755);
  {
    await using server = await start();
    assertEquals(server.server.controlAddresses, []);
    assertStringIncludes(server.log.join(""), "others may enter it; chmod 700 closes it to them");
  }
  await Deno.remove(own);
  await Deno.mkdir(`${temporary}/elsewhere`, { mode: 0o700 });
  await Deno.symlink(`${temporary}/elsewhere`, own);
  {
    await using server = await start();
    assertEquals(server.server.controlAddresses, []);
    assertStringIncludes(server.log.join(""), "it is a symbolic link");
  }
  await Deno.remove(temporary, { recursive: true });
});

/** A port of that address that nothing listens on, and another one than that: the system may give two addresses the same. */
function freePortOf(hostname: string, other: number): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port === other ? freePortOf(hostname, other) : listener.addr.port;
}
