import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { systemReason, type SystemTask } from "../src/system_reason.ts";

/** What is tried, on what task, and what is to be said of it. */
type Refused = readonly [what: string, task: SystemTask, refused: () => Promise<unknown>, reason: RegExp];

/** Longer than any path of a socket may be. */
const LONG = `/tmp/${"s".repeat(120)}`;

Deno.test("what the system refuses is said in words, by what was tried", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-words-" });
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "");
  await Deno.symlink(`${folder}/loop`, `${folder}/loop`);
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const unix = (path: string) => Deno.connect({ transport: "unix", path });
  const refused: readonly Refused[] = [
    ["a file that is missing", "file", () => Deno.readTextFile(`${file}.no`), /^there is no such file/],
    ["a folder for a file", "file", () => Deno.readTextFile(folder), /^it is a folder$/],
    [
      "a file for a folder",
      "file",
      () => Deno.readTextFile(`${file}/x`),
      /^a part of the path is no folder$/,
    ],
    ["links in a circle", "file", () => Deno.readTextFile(`${folder}/loop`), /in a circle$/],
    ["a full device", "file", () => Deno.writeTextFile("/dev/full", "x"), /^no space is left/],
    ["a name with NUL", "file", () => Deno.readTextFile("/tmp/a\0b"), /^the name has a character 0/],
    ["a socket that is missing", "connect", () => unix(`${file}.no`), /^there is no such socket/],
    ["a file for a socket", "connect", () => unix(file), /^nothing listens there$/],
    ["too long a path", "connect", () => unix(LONG), /more bytes than the system takes \(107 on Linux\)$/],
    ["a closed port", "connect", () => Deno.connect({ hostname: "127.0.0.1", port: 1 }), /^nothing listens/],
    [
      "a port that is taken",
      "listen",
      async () => await Deno.listen({ hostname: "127.0.0.1", port }),
      /in use/,
    ],
    [
      "an address of another machine",
      "listen",
      async () => await Deno.listen({ hostname: "192.0.2.1", port: 0 }),
      /^this machine has no such address$/,
    ],
  ];
  try {
    for (const [what, task, attempt, reason] of refused) {
      await t.step(what, async () => {
        const said = systemReason(await assertRejects(attempt), task);
        assertMatch(said, reason);
        assertEquals(/os error|\bE[A-Z]{3,}|SUN_LEN|\n/.test(said), false, said);
      });
    }
  } finally {
    taken.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an error that is none of the system's says what it says, without the number of one", () => {
  assertEquals(systemReason(new Error("no answer within 5 ms"), "connect"), "no answer within 5 ms");
  assertEquals(systemReason(new Error("Odd thing (os error 999): open 'x'"), "file"), "Odd thing");
  assertEquals(systemReason("text", "listen"), "text");
  const unknown = "failed to lookup address information: Name or service not known";
  assertEquals(systemReason(new Error(unknown), "connect"), "no host of that name is known");
});
