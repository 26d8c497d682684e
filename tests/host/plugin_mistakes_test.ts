import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { nearest } from "../../src/nearest.ts";
import { type Level, MEMBERS, unknownMembers } from "../../src/host/members.ts";
import { mevent } from "../support/mevent.ts";
import { ModuleFolder } from "../support/module_folder.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("the members that are known are those of the plugin API", async () => {
  const api = await Deno.readTextFile(new URL("../../src/plugin.ts", import.meta.url));
  const membersOf = (...interfaces: string[]) =>
    interfaces.flatMap((name) => {
      const body = new RegExp(`export interface ${name}(?: extends \\w+)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(
        api,
      )![1]!;
      return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, member]) => member!);
    });
  const declared: { readonly [level in Level]: string[] } = {
    plugin: membersOf("Plugin"),
    command: membersOf("CommandBase", "SingleCommand", "BatchCommand"),
    batch: membersOf("BatchLimits"),
    timer: membersOf("Timer"),
  };
  for (const [level, members] of Object.entries(declared)) {
    assertEquals([...new Set(members)].toSorted(), MEMBERS[level as Level].toSorted());
  }
});

/** A plugin with one more member at a level. */
function pluginWith(level: Level, member: string): object {
  const extra = { [member]: 1 };
  return {
    name: "p",
    commands: {
      1001: { name: "a", run() {}, ...level === "command" ? extra : {} },
      1002: { name: "b", runBatch() {}, batch: { ...level === "batch" ? extra : {} } },
    },
    timers: [{ name: "t", run() {}, ...level === "timer" ? extra : {} }],
    ...level === "plugin" ? extra : {},
  };
}

Deno.test("a misspelt member is named with the right one, at every level and however it is misspelt", () => {
  const present: { readonly [level in Level]: readonly string[] } = {
    plugin: ["name", "commands", "timers"],
    command: ["name", "run", "runBatch", "batch"],
    batch: [],
    timer: ["name", "run"],
  };
  const cases = Object.entries(MEMBERS).flatMap(([level, members]) =>
    members.filter((member) => !present[level as Level].includes(member)).map((member) =>
      [level as Level, member] as const
    )
  );
  const misspell = (word: string, at: number): string[] => [
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + word[at] + word.slice(at),
    word.slice(0, at) + (word[at + 1] ?? "") + word[at] + word.slice(at + 2),
    word.slice(0, at) + "q" + word.slice(at + 1),
    word.toUpperCase(),
    word.toLowerCase(),
    word.replace(/[A-Z]/g, (letter) => `_${letter}`.toLowerCase()),
  ];
  for (const [level, member] of cases) {
    for (let at = 0; at < member.length; at++) {
      for (const wrong of misspell(member, at).filter((each) => each !== member && each.length > 2)) {
        const [remark, ...others] = unknownMembers(pluginWith(level, wrong));
        assertEquals(others, []);
        // Another member may be as near: `stat` for `start`, not for `stop`.
        const meant = nearest(wrong, MEMBERS[level].filter((each) => !present[level].includes(each)));
        assert(remark?.isMistake && meant !== undefined, `${level} ${wrong}`);
        assertStringIncludes(remark.message, `has no member \`${wrong}\`; did you mean \`${meant}\`?`);
      }
    }
    assertEquals(unknownMembers(pluginWith(level, member)), []);
  }
});

Deno.test("a plugin may keep things of its own, but a command, a batch and a timer have what they have", () => {
  assertEquals(unknownMembers(pluginWith("plugin", "database")), []);
  // It is there already: this one is the plugin's own.
  assertEquals(unknownMembers({ ...pluginWith("plugin", "names"), timer: 1 }), []);
  for (const level of ["command", "batch", "timer"] as const) {
    const [remark] = unknownMembers(pluginWith(level, "database"));
    assertEquals(remark?.isMistake, false);
    assertStringIncludes(remark!.message, `has no member \`database\`; it has ${MEMBERS[level].join(", ")}`);
  }
  class Made {
    name = "made";
    commands = {};
    healt() {}
    own() {}
  }
  assertEquals(unknownMembers(new Made()).map(({ path }) => path), [["healt"]]);
  class Priced {
    name = "price";
    factor = 2;
    run() {}
    times() {}
    idempotnt = true;
  }
  const commands = { 1001: new Priced() };
  assertEquals(unknownMembers({ name: "n", commands }).map(({ path }) => path.at(-1)), ["idempotnt"]);
  assertEquals(unknownMembers({ name: "n", timers: [null, 1], commands: { 1001: null } }), []);
});

Deno.test("a near word is one that differs in a letter of three, and no other", () => {
  const far: readonly [string, string[]][] = [
    ["xyz", ["abc", "max"]],
    ["a", ["b", "ab"]],
    ["", ["a"]],
    ["workers", ["timeout", "retry"]],
    ["port", ["unix", "udp"]],
    ["x".repeat(10_000), ["max_frame"]],
  ];
  for (const [word, known] of far) assertEquals(nearest(word, known), undefined);
  const near: readonly [string, string[], string][] = [
    ["max_fram", ["max_frame", "max_keys"], "max_frame"],
    ["MaxFrame", ["max_frame"], "max_frame"],
    ["max-frame", ["max_frame"], "max_frame"],
    ["nwe", ["new", "run"], "new"],
    ["sned", ["serve", "send"], "send"],
  ];
  for (const [word, known, meant] of near) assertEquals(nearest(word, known), meant);
  fc.assert(fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (word, other) => {
    const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
    if (nearest(word, [other]) === undefined) assert(plain(word) !== plain(other) || plain(word) === "");
    assertEquals(nearest(other, [word]) === undefined, nearest(word, [other]) === undefined);
  }));
});

const MISSPELT = `import { nightly } from "./timers.ts";
// timezone and idempotnt stand here, too
const commands = {
  1001: { name: "a", idempotnt: true, run() {} },
  1002: { name: "b", idempotnt: true, run() {}, "handler": "own" },
  1003: { name: "c", batch: { max: 10, wiat: "5ms" }, runBatch() {} },
};
export default { name: "shop", strat() {}, commands, timers: [nightly, { name: "hourly", cron: "0 * * * *", timezone: "UTC", run() {} }] };
`;
const TIMERS = `export const nightly: { name: string; cron: string } = {
  name: "nightly",
  cron: "0 3 * * *",
  timezone: "Europe/Berlin",
  run() {},
};
`;

Deno.test("plugin check names every misspelt member with the right one, its file, line and column", async () => {
  await using folder = await ModuleFolder.make({ "shop.ts": MISSPELT, "timers.ts": TIMERS });
  const file = `${folder.path}/shop.ts`;
  const { code, stdout } = await mevent(["plugin", "check", file]);
  assertEquals(code, 65);
  for (
    const told of [
      `${file}:8:32: a plugin has no member \`strat\`; did you mean \`start\`?`,
      `${file}:4:22: command 1001 has no member \`idempotnt\`; did you mean \`idempotent\`?`,
      `${file}:5:22: command 1002 has no member \`idempotnt\`; did you mean \`idempotent\`?`,
      `warning: ${file}:5:49: command 1002 has no member \`handler\`; it has name, `,
      `${file}:6:40: the batch of command 1003 has no member \`wiat\`; did you mean \`wait\`?`,
      `${folder.path}/timers.ts:4:3: timer "nightly" has no member \`timezone\`; did you mean \`timeZone\`?`,
      `${file}:8:109: timer "hourly" has no member \`timezone\`; did you mean \`timeZone\`?`,
    ]
  ) assertStringIncludes(stdout, `\n${told}`);
  const { plugin, problems, warnings } = JSON.parse(
    (await mevent(["plugin", "check", file, "--json"])).stdout,
  );
  assertEquals([plugin.name, problems.length, warnings.length], ["shop", 6, 1]);
  assertEquals(warnings[0].line, 5);
  assert(
    problems.every((problem: { line: unknown; file: unknown }) =>
      problem.line !== null && problem.file !== null
    ),
  );
});

Deno.test("plugin check tells all that keeps a module from being a plugin, each with its place", async () => {
  await using folder = await ModuleFolder.make({
    "wrong.js": `export default {
  biz: 70000,
  commands: {
    5: { name: "a", run() {} },
    1001: { name: "b" },
    1002: { name: "c", batch: { max: 0 }, runBatch() {} },
    1003: { name: "d", run() {}, idempotent: "yes", idempotnt: true },
  },
  timers: [
    { name: "t", every: "5x", run() {} },
    { name: "u", cron: "61 * * * *", run() {} },
  ],
  start: 5,
};
`,
  });
  const { code, stdout } = await mevent(["plugin", "check", `${folder.path}/wrong.js`, "--json"]);
  assertEquals(code, 65);
  const { plugin, problems } = JSON.parse(stdout);
  assertEquals(plugin, null);
  const lines = problems.map(({ line, message }: { line: number; message: string }) => [
    line,
    message.replace(/^\S+: /, "").slice(0, 22),
  ]);
  assertEquals(lines, [
    [1, "`name` is missing; giv"],
    [2, "`biz` is not a whole n"],
    [4, "command 5 is not a num"],
    [5, "command 1001 needs a `"],
    [6, "command 1002 has a `ba"],
    [7, "`idempotent` of comman"],
    [10, 'timer "t" has an `ever'],
    [11, 'timer "u" has a `cron`'],
    [13, "`start` is no function"],
    [7, "command 1003 has no me"],
  ]);
});

Deno.test("a server names misspelt members in its log, at its start and after a reload, once for all workers and their successors", async () => {
  const source = (member: string) =>
    `export default {
  name: "shop",
  commands: { 1001: { name: "a", run: () => ({}) } },
  timers: [{ name: "t", cron: "0 3 * * *", ${member}: "Europe/Berlin", run() {} }],
};
`;
  const plugins = (member: string) => [{ name: "shop", workers: 2, recycleAfter: 1, source: source(member) }];
  await using server = await TestServer.start({ plugins: plugins("timezone") });
  const said = () => server.log.filter((line) => line.includes("has no member"));
  const file = `${server.directory}/shop.ts`;
  await server.until("it is named", () => said().length > 0);
  assertMatch(said()[0]!, /"level":"warn".*"plugin":"shop"/);
  assertStringIncludes(
    said()[0]!,
    `${file}:4:44: timer \\"t\\" has no member \`timezone\`; did you mean \`timeZone\`?`,
  );
  await server.reload({ plugins: plugins("time_zone") });
  await server.until("the new one is named", () => said().length > 1);
  assertStringIncludes(said()[1]!, "has no member `time_zone`");
  using connection = await server.connect();
  const begun = Date.now();
  while (server.plugin("shop").recycled < 3 && Date.now() - begun < 20_000) {
    await connection.send(streamRequest({ plugin: "shop" }));
    assertEquals((await connection.reply()).code, 1000);
  }
  assert(server.plugin("shop").recycled >= 3);
  await server.reload({ plugins: plugins("timeZone") });
  assertEquals(said().length, 2);
});
