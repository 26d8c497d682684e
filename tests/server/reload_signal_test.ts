import { assertEquals } from "@std/assert";
import { MeventProcess } from "../support/mevent.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { streamRequest } from "../support/requests.ts";
import { until } from "../support/until.ts";

const plugin = (name: string) =>
  `[[plugin]]\nname = "${name}"\nmodule = "builtin:echo"\nbiz = ${name.length}\n`;

Deno.test("HUP takes over the changed config, with the flags of the start, and says in the log what it did", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const file = `${directory}/mevent.toml`;
  const path = `${directory}/mevent.sock`;
  await Deno.writeTextFile(file, plugin("first"));
  const process = new MeventProcess("serve", "-c", file, "--no-tcp", "--no-udp", "--unix", path);
  try {
    await process.until(/Next:/);
    using connection = new RawConnection(await Deno.connect({ transport: "unix", path }));
    const codes = async () => {
      await connection.send(streamRequest({ plugin: "first" }), streamRequest({ plugin: "second" }));
      return (await connection.replies(2)).map(({ code }) => code);
    };
    const reload = async (text: string, logged: string) => {
      await Deno.writeTextFile(file, text);
      process.child.kill("SIGHUP");
      await until(`${logged} is logged`, () => process.stderr.includes(logged));
      return await codes();
    };
    assertEquals(await codes(), [1000, 18]);
    assertEquals(await reload(plugin("first") + plugin("second"), "plugin second added"), [1000, 1000]);
    assertEquals(await reload("nonsense", `${file}:1:`), [1000, 1000]);
    assertEquals(await reload(plugin("second"), "plugin first removed"), [18, 1000]);
  } finally {
    process.child.kill("SIGTERM");
    const { code, stderr } = await process.end();
    await Deno.remove(directory, { recursive: true });
    assertEquals(code, 0, stderr);
  }
});
