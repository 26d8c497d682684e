import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { keysOf } from "../../src/cli/top/keys.ts";
import { firstShown, topScreen, visibleRows } from "../../src/cli/top/top_screen.ts";
import { mevent, TestServer } from "../support/mevent.ts";
import { HAS_PYTHON, PYTHON_NOTE } from "../support/python.ts";
import { typeAt } from "../support/terminal.ts";

const PLUGINS = Array.from(
  { length: 10 },
  (_, index) =>
    `[[plugin]]\nname = "p${String(index).padStart(2, "0")}"\nbiz = ${
      100 + index
    }\nmodule = "builtin:echo"\nworkers = 1\n`,
);

Deno.test("top shows the verdict, rates and plugins, the sick ones first", async (t) => {
  await using server = await TestServer.start(PLUGINS.slice(0, 3).join(""));
  const way = ["--port", String(server.tcpPort)];
  await mevent(["pause", "p02", "--control", server.controlPath]);
  for (let count = 0; count < 3; count++) {
    await mevent(["send", "--biz", "p02", "--cmd", "1001", "--async", ...way]);
  }

  await t.step("as plain text, where it is no terminal", async () => {
    const { code, stdout, stderr } = await mevent(["top", "--interval", "20ms", ...way]);
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assertMatch(lines[0]!, /p02 is paused, and 3 operations wait/);
    assertMatch(lines[1]!, /^mevent .*, pid \d+, running for /);
    assertMatch(lines[2]!, /^per second: in [\d.]+, done [\d.]+, failed 0, refused as busy 0$/);
    assertMatch(lines[4]!, /^plugin +state +in\/s/);
    assertMatch(lines[5]!, /^p02 +paused .* 3 +0% /);
    assertMatch(lines[6]!, /^p00 +ok /);
    assertEquals(lines.length, 9);
    assert(!stdout.includes("\x1b"));
  });

  await t.step("over the control socket, once on a terminal too", async () => {
    const { code, stdout } = await mevent([
      "top",
      "--once",
      "--interval",
      "1ms",
      "--control",
      server.controlPath,
    ], {
      isTerminal: true,
    });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "p02");
  });

  await t.step("in lines no wider and no more than there are", () => {
    const stats = server.server.stats();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(40),
        (rows, columns, from) => {
          const view = { from, isHeld: false, rows, columns, styled: false };
          const lines = topScreen({ stats, earlier: stats, apartMs: 1000 }, view);
          assert(lines.every((line) => [...line].length <= columns));
          assert(lines.length <= Math.max(rows, 7));
        },
      ),
    );
  });
});

Deno.test("top says that no server is there", async () => {
  const { code, stderr } = await mevent(["top", "--unix", "/nonexistent/socket"]);
  assertEquals(code, 69);
  assertMatch(stderr, /^mevent top: cannot reach unix \/nonexistent\/socket/);
});

Deno.test("keys are told from what a terminal sends", () => {
  assertEquals(keysOf("\x1b[A\x1bOBx\x1b[6~pq"), ["up", "down", "pageDown", "hold", "quit"]);
  assertEquals(keysOf("\x03"), ["quit"]);
  assertEquals(keysOf("\x1b[200~é"), []);
});

Deno.test("the last page is a full one", () => {
  assertEquals(visibleRows(24), 18);
  assertEquals([-0, 5, 99].map((from) => firstShown({ from, rows: 24 }, 30)), [0, 5, 12]);
  assertEquals(firstShown({ from: 3, rows: 24 }, 2), 0);
});

Deno.test({
  name: `top fills a terminal, moves, holds, and gives the terminal back${PYTHON_NOTE}`,
  ignore: !HAS_PYTHON,
  fn: async () => {
    await using server = await TestServer.start(PLUGINS.join(""));
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const top =
      `'${Deno.execPath()}' run -A --no-check '${main}' top --interval 100ms --unix '${server.unixPath}'`;
    const shown = await typeAt(["sh", "-c", `stty rows 12 cols 100; ${top}; echo "ENDED $?"; stty -a`], [
      ["plugins 1 to 6 of 10", "\x1b[B"],
      ["plugins 2 to 7 of 10", "\x1b[F"],
      ["plugins 5 to 10 of 10", "p"],
      ["HELD", "p"],
      ["K\\s+plugins 5 to 10 of 10", "q"],
      ["ENDED 0[\\s\\S]* icanon[\\s\\S]* echo ", ""],
    ]);
    assert(shown.includes("\x1b[?1049h") && shown.includes("\x1b[?25h\x1b[?1049l"));
  },
});
