import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  certificate,
  clock,
  type Diagnosis,
  disk,
  limits,
  memory,
  sandbox,
} from "../../src/cli/doctor/examine.ts";
import { descriptorLimit, freeBytesAt, hasLibrary } from "../../src/cli/doctor/machine.ts";
import { mevent } from "../support/mevent.ts";

const DAY_MS = 86_400_000;

Deno.test("what is not as it should be has a sentence and what to do", () => {
  const now = Date.UTC(2030, 0, 1);
  const bad: readonly (readonly [Diagnosis, RegExp, RegExp])[] = [
    [limits(10_000, 1024), /1,024 files may be open, too few for 10,000/, /LimitNOFILE=10256/],
    [memory(2 ** 30, 2 ** 20), /may hold 1 GiB, and 1 MiB/, /max_queue_bytes/],
    [clock(now, false), /2030-01-01T00:00:00.000Z, zone /, /chrony/],
    [sandbox(0), /no Landlock/, /5\.13/],
    [disk("/data", 2 ** 20, 0), /1 MiB are left at \/data$/, /make room/],
    [disk("/data", 2 ** 31, 2 ** 32), /journals may take 4 GiB/, /max_disk/],
    [certificate("c.pem", now + 3.5 * DAY_MS, now), /ends on 2030-01-04, in 3 days/, /without a restart/],
  ];
  for (const [{ level, sentence, advice }, said, todo] of bad) {
    assertEquals(level, "warning");
    assertMatch(sentence, said);
    assertMatch(advice!, todo);
  }
  assertEquals(certificate("c.pem", now - 1, now).level, "error");
  const good = [
    limits(10_000, 1_000_000),
    limits(10_000, Infinity),
    limits(1, null),
    memory(1, 2),
    memory(1, null),
    clock(now, true),
    clock(now, null),
    sandbox(4),
    disk("/data", 2 ** 40, 2 ** 32),
    disk("/data", null, 0),
    certificate("c.pem", now + 15 * DAY_MS, now),
  ];
  for (const { level, advice } of good) assertEquals([level, advice], ["ok", null]);
});

Deno.test("the machine is asked for what it has", () => {
  assert(descriptorLimit()! > 100);
  assert(freeBytesAt("/tmp/not/there/yet")! > 0);
  assertEquals([hasLibrary("libc.so.6"), hasLibrary("libnothing.so.9")], [true, false]);
});

Deno.test("doctor looks at a config and at this machine", async () => {
  const folder = await Deno.makeTempDir();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    await Deno.writeTextFile(
      `${folder}/m.toml`,
      `[server]\ntcp = "127.0.0.1:${taken.addr.port}"\nudp = ""\ndata = "${folder}"\n[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n`,
    );
    const { code, stdout } = await mevent(["doctor", "--config", `${folder}/m.toml`, "--json"]);
    assertEquals(code, 0, stdout);
    const { config, level, checks } = JSON.parse(stdout) as {
      config: string;
      level: string;
      checks: Diagnosis[];
    };
    assertEquals([config, level], [`${folder}/m.toml`, "warning"]);
    const all = [
      "config",
      "ports",
      "limits",
      "memory",
      "data",
      "disk",
      "certificates",
      "libraries",
      "clock",
      "sandbox",
    ];
    assertEquals([...new Set(checks.map(({ about }) => about))], all);
    const ports = checks.find(({ about }) => about === "ports")!;
    assertStringIncludes(ports.sentence, String(taken.addr.port));
    assertEquals(ports.level, "warning");
    const text = await mevent(["doctor", "--config", `${folder}/m.toml`]);
    assertMatch(text.stdout, /^ok {7}config {8}the config \(.*\) can be used: 1 plugin, 1 address$/m);
    assertMatch(text.stdout, /^warning {2}ports .*\n {23}-> .*ss -lptn/m);
    assert(text.stdout.endsWith("a server would run; look at the warnings\n"));

    await Deno.writeTextFile(`${folder}/bad.toml`, '[server]\ntcp = ""\nudp = ""\nmax_frame = "1 B"\n');
    const bad = await mevent(["doctor", "--config", `${folder}/bad.toml`]);
    assertEquals(bad.code, 78);
    assertMatch(bad.stdout, /^ERROR {4}config {8}.*bad\.toml:4:.*max_frame/m);
    assert(bad.stdout.endsWith("a server would not run as it should\n"));
  } finally {
    taken.close();
    await Deno.remove(folder, { recursive: true });
  }
});
