import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildDeb } from "../../src/release/build_deb.ts";
import { run } from "../../src/release/run_program.ts";
import { installedNote, isInstalled } from "../support/installed.ts";
import { EXECUTABLE, isMissing } from "./executable.ts";

const NEEDED = ["dpkg-deb", "lintian", "mmdebstrap", "chroot", "unshare"];
const isRoot = Deno.uid() === 0;
const CONFIG = "/etc/mevent/mevent.toml";

Deno.test({
  name: `executable: its package is installed, upgraded, removed and purged in a clean Debian${
    installedNote(...NEEDED)
  }${isRoot ? "" : " (skipped: only root makes one)"}`,
  ignore: isMissing || !isRoot || !isInstalled(...NEEDED),
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
    const root = `${folder}/root`;
    // The executable finds itself by /proc.
    const inside = (...words: string[]) =>
      run("unshare", ["--fork", "--pid", `--mount-proc=${root}/proc`, "chroot", root, ...words], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
    const isThere = (path: string) => Deno.lstat(root + path).then(() => true, () => false);
    try {
      const old = await buildDeb({ executable: EXECUTABLE, folder, version: "0.0.1" });
      const next = await buildDeb({ executable: EXECUTABLE, folder, version: "0.0.2" });
      await t.step("lintian finds nothing to say", async () => {
        assertEquals(await run("lintian", ["--allow-root", "--fail-on", "error,warning", next]), "");
      });
      await run("mmdebstrap", [
        "--quiet",
        "--variant=minbase",
        "--include=init-system-helpers,libgcc-s1",
        "bookworm",
        root,
      ]);
      await Deno.mkdir(`${root}/packages`);
      for (const path of [old, next]) await Deno.copyFile(path, `${root}/packages/${path.split("/").at(-1)}`);
      const install = (version: string) =>
        inside("dpkg", "--install", `/packages/mevent_${version}_amd64.deb`);

      await t.step("installed", async () => {
        await install("0.0.1");
        assertMatch(await inside("mevent", "version"), /^mevent \d/);
        assertMatch(await inside("mevent", "config", "--config", CONFIG), /^\[server\]/m);
        assert(await isThere("/etc/systemd/system/multi-user.target.wants/mevent.service"));
      });
      await t.step("upgraded, with the config that somebody has changed", async () => {
        await Deno.writeTextFile(root + CONFIG, '# mine\n[server]\nudp = ""\n');
        await install("0.0.2");
        assertMatch(await inside("dpkg-query", "--show", "mevent"), /\t0\.0\.2$/m);
        assertEquals(await Deno.readTextFile(root + CONFIG), '# mine\n[server]\nudp = ""\n');
      });
      await t.step("removed: the config and the data stay", async () => {
        await Deno.mkdir(`${root}/var/lib/private/mevent`, { recursive: true });
        await Deno.writeTextFile(`${root}/var/lib/private/mevent/journal`, "");
        await inside("dpkg", "--remove", "mevent");
        assertEquals(await isThere("/usr/bin/mevent"), false);
        assertEquals(await Deno.readTextFile(root + CONFIG), '# mine\n[server]\nudp = ""\n');
        assert(await isThere("/var/lib/private/mevent/journal"));
      });
      await t.step("purged: nothing stays", async () => {
        await inside("dpkg", "--purge", "mevent");
        for (
          const path of [
            "/etc/mevent",
            "/var/lib/private/mevent",
            "/var/lib/mevent",
            "/etc/systemd/system/mevent.service",
          ]
        ) {
          assertEquals(await isThere(path), false, path);
        }
        assertEquals(await isThere("/etc/systemd/system/multi-user.target.wants/mevent.service"), false);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
