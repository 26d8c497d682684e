import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SHELLS } from "../../src/cli/completions/scripts.ts";
import { exampleConfig } from "../../src/cli/documents.ts";
import { buildDeb } from "../../src/release/build_deb.ts";
import { SCRIPTS } from "../../src/release/deb_files.ts";
import { run } from "../../src/release/run_program.ts";
import { installedNote, isInstalled } from "../support/installed.ts";

Deno.test({
  name: `a package has all that a service needs, and is the same each time${installedNote("dpkg-deb")}`,
  ignore: !isInstalled("dpkg-deb"),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const before = Deno.env.get("SOURCE_DATE_EPOCH");
    Deno.env.set("SOURCE_DATE_EPOCH", "1700000000");
    try {
      await Deno.writeTextFile(`${folder}/program`, "#!/bin/sh\n");
      const build = (to: string) =>
        buildDeb({
          executable: `${folder}/program`,
          folder: `${folder}/${to}`,
          version: "1.2.3",
          arch: "x86_64",
        });
      const [one, other] = [await build("one"), await build("other")];
      assertEquals(one, `${folder}/one/mevent_1.2.3_amd64.deb`);
      assertEquals(await Deno.readFile(one), await Deno.readFile(other));

      const listing = await run("dpkg-deb", ["--contents", one]);
      const files = new Map(
        listing.trimEnd().split("\n").filter((line) => !line.endsWith("/")).map((line) => {
          const [mode = "", owner = "", , , , path = ""] = line.split(/\s+/);
          return [path.slice(1), `${mode} ${owner}`];
        }),
      );
      assertEquals(files.get("/usr/bin/mevent"), "-rwxr-xr-x root/root");
      for (
        const path of [
          "/lib/systemd/system/mevent.service",
          "/etc/mevent/mevent.toml",
          "/usr/share/man/man1/mevent.1.gz",
          "/usr/share/bash-completion/completions/mevent",
          "/usr/share/zsh/vendor-completions/_mevent",
          "/usr/share/fish/vendor_completions.d/mevent.fish",
          "/usr/share/doc/mevent/copyright",
          "/usr/share/doc/mevent/changelog.gz",
        ]
      ) assertEquals(files.get(path), "-rw-r--r-- root/root", path);
      const tree = `${folder}/tree`;
      await run("dpkg-deb", ["--raw-extract", one, tree]);
      assertEquals(await Deno.readTextFile(`${tree}/DEBIAN/conffiles`), "/etc/mevent/mevent.toml\n");
      assertEquals(await Deno.readTextFile(`${tree}/etc/mevent/mevent.toml`), await exampleConfig());
      assertStringIncludes(
        await Deno.readTextFile(`${tree}/lib/systemd/system/mevent.service`),
        "ExecStart=/usr/bin/mevent serve --config /etc/mevent/mevent.toml\n",
      );
      assertStringIncludes(await Deno.readTextFile(`${tree}/DEBIAN/control`), "\nVersion: 1.2.3\n");
      await run("md5sum", ["--check", "--quiet", "DEBIAN/md5sums"], { cwd: tree });
      assertEquals(SHELLS.length, 3);
      for (const name of Object.keys(SCRIPTS)) await run("sh", ["-n", `${tree}/DEBIAN/${name}`]);
    } finally {
      if (before === undefined) Deno.env.delete("SOURCE_DATE_EPOCH");
      else Deno.env.set("SOURCE_DATE_EPOCH", before);
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("there is no package for a processor that Debian does not have", async () => {
  let said = "";
  await buildDeb({ executable: "/bin/true", folder: "/nonexistent", arch: "vax" }).catch((error: Error) =>
    said = error.message
  );
  assert(said.includes("vax"));
});
