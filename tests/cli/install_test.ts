import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exampleConfig } from "../../src/cli/documents.ts";
import { putService, removeService } from "../../src/cli/install/service_files.ts";
import { systemdUnit } from "../../src/cli/install/unit.ts";
import { installedNote, isInstalled } from "../support/installed.ts";
import { mevent } from "../support/mevent.ts";

/** What the service may be exposed to, at most, of 10. */
const MAX_EXPOSURE = 2.0;

Deno.test({
  name: `systemd finds nothing wrong with the unit, and little exposed${installedNote("systemd-analyze")}`,
  ignore: !isInstalled("systemd-analyze"),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      // What it starts must be there.
      await Deno.writeTextFile(`${folder}/mevent`, "#!/bin/sh\n", { mode: 0o755 });
      const unit = `${folder}/mevent.service`;
      await Deno.writeTextFile(
        unit,
        systemdUnit({ executable: `${folder}/mevent`, config: "/etc/mevent/mevent.toml" }),
      );
      assertEquals(await analyze("verify", "--man=no", unit), "");
      const report = await analyze("security", "--offline=true", "--no-pager", unit);
      const [, exposure] = /Overall exposure level for mevent\.service: ([\d.]+)/.exec(report) ?? [];
      assert(Number(exposure) <= MAX_EXPOSURE, report);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** What systemd-analyze says, on stderr too. */
async function analyze(...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("install shows the unit and what it would do, and does nothing", async () => {
  const root = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await mevent([
      "install",
      "--systemd",
      "--root",
      root,
      "--bin",
      "/opt/mevent",
    ]);
    assertEquals(code, 0);
    assertEquals(stdout, systemdUnit({ executable: "/opt/mevent", config: "/etc/mevent/mevent.toml" }));
    assertMatch(stdout, /^ExecStart=\/opt\/mevent serve --config \/etc\/mevent\/mevent\.toml$/m);
    assertEquals(stderr.split("\n").slice(0, 3), [
      `${root}/opt/mevent would be written`,
      `${root}/etc/systemd/system/mevent.service would be written`,
      `${root}/etc/mevent/mevent.toml would be written`,
    ]);
    assertEquals([...Deno.readDirSync(root)], []);
    const uninstall = await mevent(["install", "--systemd", "--uninstall", "--root", root]);
    assertEquals([uninstall.code, uninstall.stdout], [0, ""]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("install says what it cannot do", async () => {
  const nowhere = await mevent(["install"]);
  assertEquals(nowhere.code, 64);
  assertStringIncludes(nowhere.stderr, "--systemd");
  for (const bad of ["mevent", "/opt/my mevent", "/opt/%n"]) {
    const { code, stderr } = await mevent(["install", "--systemd", "--bin", bad]);
    assertEquals(code, 64);
    assertStringIncludes(stderr, "--bin: expected an absolute path");
  }
  // Tests run from the sources.
  const applied = await mevent(["install", "--systemd", "--apply", "--root", "/nonexistent"]);
  assertEquals(applied.code, 74);
  assertStringIncludes(applied.stderr, "compile one first");
});

Deno.test("a config that is there stays, also where the service is taken away", async () => {
  const root = await Deno.makeTempDir();
  const places = { root, executable: "/usr/local/bin/mevent", config: "/etc/mevent/mevent.toml" };
  const config = `${root}/etc/mevent/mevent.toml`;
  try {
    await Deno.mkdir(`${root}/etc/mevent`, { recursive: true });
    await Deno.writeTextFile(config, "# mine\n");
    const steps = await putService(places, "unit", await exampleConfig(), true);
    assertEquals(steps.at(-1), [config, "left as it is"]);
    await Deno.mkdir(`${root}/etc/systemd/system`, { recursive: true });
    await Deno.writeTextFile(`${root}/etc/systemd/system/mevent.service`, "unit");
    assertEquals(await removeService(places, false), [
      [`${root}/etc/systemd/system/mevent.service`, "removed"],
      [config, "left as it is"],
    ]);
    assertEquals(await Deno.readTextFile(config), "# mine\n");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
