import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** A group of this process other than its first one, or the first: what chown may always give a file to. */
const GID = Deno.gid() ?? 0;

function rightsOf(path: string): [mode: string, gid: number | null] {
  const { mode, gid } = Deno.statSync(path);
  return [(mode! & 0o7777).toString(8), gid];
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mevent-rights-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The config of a file with that text. */
function loadText(text: string, env: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ file: "mevent.toml", text, env, flags: {} });
}

Deno.test("a Unix socket is a path, a path with its rights behind it, or a table of them", () => {
  const file = `[server]
    tcp = []
    udp = []
    unix = ["/a", { path = "/b", mode = "600" }, "/c?mode=0666&group=www-data", { path = "/d?x=1", group = "33" }]
    [[listener]]
    unix = { path = "/e", mode = "0660", group = "www-data" }
  `;
  const rights = (sockets: Config) =>
    sockets.listeners.map((each) => each.transport === "unix" && [each.path, each.mode, each.group]);
  assertEquals(rights(loadText(file)), [
    ["/a", 0o660, undefined],
    ["/b", 0o600, undefined],
    ["/c", 0o666, "www-data"],
    ["/d?x=1", 0o660, "33"],
    ["/e", 0o660, "www-data"],
  ]);
  const text = "/f?group=a&mode=0600,/g";
  assertEquals(rights(loadText("", { MEVENT_UNIX: text, MEVENT_TCP: "", MEVENT_UDP: "" })), [
    ["/f", 0o600, "a"],
    ["/g", 0o660, undefined],
  ]);
  for (
    const wrong of ['{ path = "/a", mode = 660 }', '{ path = "/a", mode = "0668" }', '{ mode = "0660" }', "7"]
      .concat(
        '{ path = "/a", owner = "me" }',
        '{ path = "/a", group = "" }',
        '"/a?mode=abc"',
        '"/a?mode=0600&mode=0660"',
      )
  ) {
    assertThrows(() => loadText(`[server]\nunix = ${wrong}\n`), ConfigError, "expected");
  }
  assertThrows(
    () => loadText('[server]\nunix = ["/a", { path = "/a" }]\n'),
    ConfigError,
    "unix /a stands at",
  );
});

Deno.test("a Unix socket's file has the rights that the config gives it, 0660 without any, whatever the umask", async () => {
  const before = Deno.umask();
  await withFolder(async (folder) => {
    for (const umask of [0o022, 0o000, 0o077]) {
      Deno.umask(umask);
      try {
        const unix = [
          `${folder}/plain`,
          { path: `${folder}/open`, mode: "0666" },
          { path: `${folder}/own`, mode: "0600" },
          { path: `${folder}/grouped`, mode: "0660", group: String(GID) },
          `${folder}/flag?mode=0640`,
        ];
        await using server = await TestServer.start({ server: { unix } });
        assertEquals(server.server.addresses.length, 7);
        const names = ["plain", "open", "own", "grouped", "flag"];
        assertEquals(
          names.map((name) => rightsOf(`${folder}/${name}`)[0]),
          ["660", "666", "600", "660", "640"],
        );
        assertEquals(rightsOf(`${folder}/grouped`)[1], GID);
      } finally {
        Deno.umask(before);
      }
    }
  });
  assertEquals(Deno.umask(), before);
});

Deno.test("another mode is taken over by a reload, for those who connect; a reload that fails leaves the rights as they were", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/socket`;
    const server = (mode: string, more: Record<string, unknown> = {}) => ({
      server: { unix: { path, mode, ...more } },
    });
    await using running = await TestServer.start(server("0660"));
    const { changed } = await running.reload(server("0606"));
    assertEquals(changed, [`listener unix ${path}: mode 0660 -> 0606`]);
    assertEquals(rightsOf(path)[0], "606");
    await assertRejects(
      () => running.reload(server("0666", { group: "no-such-group" })),
      Error,
      "there is no group no-such-group in /etc/group",
    );
    assertEquals(rightsOf(path)[0], "606");
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await assertRejects(
      () =>
        running.reload({
          server: { ...server("0660").server, tcp: ["127.0.0.1:0", `127.0.0.1:${taken.addr.port}`] },
        }),
      Error,
      "the address is in use",
    );
    taken.close();
    assertEquals(rightsOf(path)[0], "606");
    const conn = await Deno.connect({ transport: "unix", path });
    await conn.write(streamRequest());
    assert(await conn.read(new Uint8Array(100)) !== null);
    conn.close();
  });
});

Deno.test("a socket that cannot be had is refused with a sentence, without the system's words, and leaves no file", async () => {
  await withFolder(async (folder) => {
    const start = (server: Record<string, unknown>) => TestServer.start({ server });
    const cases: [Record<string, unknown>, string][] = [
      [
        { unix: `${folder}/${"x".repeat(120)}` },
        "that of a Unix socket has 107 at most",
      ],
      [{ unix: `${folder}/none/socket` }, "the socket's folder is not there"],
      [
        { unix: { path: `${folder}/a`, group: "no-such-group" } },
        "there is no group no-such-group in /etc/group",
      ],
      [{ tcp: "192.0.2.1:0", insecure: true }, "this machine has no such address"],
      [{ udp: "192.0.2.1:0", insecure: true }, "this machine has no such address"],
    ];
    for (const [server, sentence] of cases) {
      const error = await assertRejects(() => start(server), Error, sentence);
      assertEquals(/os error|SUN_LEN|E[A-Z]{4,}/.test(error.message), false, error.message);
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), []);
  });
});
