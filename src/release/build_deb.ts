/**
 * Makes a package for Debian and Ubuntu of an executable: `deno task deb` takes dist/mevent. dpkg-deb is all that it needs; where
 * SOURCE_DATE_EPOCH is set, the same executable makes the same package.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import project from "../../deno.json" with { type: "json" };
import { exampleConfig } from "../cli/documents.ts";
import { SERVICE, systemdUnit } from "../cli/install/unit.ts";
import { type Shell, SHELLS } from "../cli/completions/scripts.ts";
import { controlText, copyrightText, LINTIAN_OVERRIDES, SCRIPTS } from "./deb_files.ts";
import { buildSeconds } from "./build_time.ts";
import { run } from "./run_program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MAINTAINER = "The mevent authors <mevent@localhost.localdomain>";
const CONFIG = `etc/${SERVICE}/${SERVICE}.toml`;
const COMPLETIONS: Readonly<Record<Shell, string>> = {
  bash: `usr/share/bash-completion/completions/${SERVICE}`,
  zsh: `usr/share/zsh/vendor-completions/_${SERVICE}`,
  fish: `usr/share/fish/vendor_completions.d/${SERVICE}.fish`,
};
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** What a package is made of. */
export interface DebOptions {
  readonly executable: string;
  /** Of the processor that the executable is for, as Deno names it. */
  readonly arch?: string;
  /** Where the package goes. */
  readonly folder: string;
  readonly version?: string;
}

/** Makes the package; returns its path. Throws where a program fails. */
export async function buildDeb(
  { executable, folder, arch = Deno.build.arch, version = project.version }: DebOptions,
): Promise<string> {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) throw new Error(`there is no package for ${arch}`);
  const tree = await Deno.makeTempDir({ prefix: "mevent-deb-" });
  try {
    await Deno.chmod(tree, 0o755);
    const put = async (path: string, data: string | Uint8Array, mode = 0o644) => {
      const whole = join(tree, path);
      await Deno.mkdir(dirname(whole), { recursive: true });
      await Deno.writeFile(whole, typeof data === "string" ? new TextEncoder().encode(data) : data, { mode });
      await Deno.chmod(whole, mode);
    };
    await put(`usr/bin/${SERVICE}`, await Deno.readFile(executable), 0o755);
    const unit = systemdUnit({ executable: `/usr/bin/${SERVICE}`, config: `/${CONFIG}` });
    await put(`lib/systemd/system/${SERVICE}.service`, unit);
    await put(CONFIG, await exampleConfig());
    const seconds = buildSeconds();
    const env = { SOURCE_DATE_EPOCH: String(seconds) };
    // The sources tell what the executable would: it may be for another processor.
    const main = [join(ROOT, "main.ts")];
    const told = (...args: string[]) =>
      run(Deno.execPath(), ["run", "-A", "--no-check", ...main, ...args], { env });
    await put(`usr/share/man/man1/${SERVICE}.1.gz`, gzipped(await told("man")));
    for (const shell of SHELLS) await put(COMPLETIONS[shell], await told("completions", shell));
    const docs = `usr/share/doc/${SERVICE}`;
    await put(`${docs}/copyright`, copyrightText(await Deno.readTextFile(join(ROOT, "LICENSE"))));
    await put(`${docs}/changelog.gz`, gzipped(changelogText(version, seconds)));
    await put(`usr/share/lintian/overrides/${SERVICE}`, LINTIAN_OVERRIDES);
    const installedKib = Math.ceil(await bytesIn(tree) / 1024);
    await put("DEBIAN/control", controlText({ version, architecture, installedKib, maintainer: MAINTAINER }));
    await put("DEBIAN/conffiles", `/${CONFIG}\n`);
    for (const [name, text] of Object.entries(SCRIPTS)) await put(`DEBIAN/${name}`, text, 0o755);
    await put(
      "DEBIAN/md5sums",
      await run("sh", ["-c", "find usr lib -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum"], {
        cwd: tree,
      }),
    );
    await foldersAreOpen(tree);
    await Deno.mkdir(folder, { recursive: true });
    const path = join(folder, `${SERVICE}_${version}_${architecture}.deb`);
    await run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z1", "--build", tree, path], { env });
    return path;
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

function changelogText(version: string, seconds: number): string {
  const date = new Date(seconds * 1000).toUTCString().replace("GMT", "+0000");
  return `${SERVICE} (${version}) stable; urgency=medium\n\n  * Version ${version}.\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** Without a time in it: the same text makes the same bytes. */
function gzipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    bytes += isDirectory ? await bytesIn(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}

/** Whatever the umask was. */
async function foldersAreOpen(folder: string): Promise<void> {
  await Deno.chmod(folder, 0o755);
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await foldersAreOpen(join(folder, name));
  }
}

if (import.meta.main) {
  const executable = Deno.args[0] ?? join(ROOT, "dist/mevent");
  console.log(await buildDeb({ executable, folder: join(ROOT, "dist") }));
}
