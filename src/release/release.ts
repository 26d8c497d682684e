/**
 * Makes all that a release has, in dist/release: an executable for each machine, packages for Debian, the list of parts, and the
 * SHA-256 sums of all.
 *
 *     deno task release [--only NAME,NAME] [--skip-missing]
 *
 * `deno compile` loads the runtime of each machine from Deno's server; DENORT_BIN names one that is here, for this kind of machine
 * alone. A runtime that cannot be had fails the release; with --skip-missing that machine is left out, which is said.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { buildDeb } from "./build_deb.ts";
import { buildSeconds } from "./build_time.ts";
import { embeddedPackages } from "./embedded_packages.ts";
import { run } from "./run_program.ts";
import { sbom } from "./sbom.ts";
import { type Target, TARGETS } from "./targets.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = join(ROOT, "dist/release");

/** Compiles for a machine; the executable's path, or a sentence where its runtime cannot be had. */
export async function compileFor(
  { triple, name }: Target,
  folder: string,
): Promise<{ path: string } | { missing: string }> {
  const path = join(folder, `mevent-${project.version}-${name}${triple.includes("windows") ? ".exe" : ""}`);
  const env: Record<string, string> = { ...Deno.env.toObject(), NO_COLOR: "1" };
  if (triple !== Deno.build.target) delete env["DENORT_BIN"];
  const args = compileArgs(triple, path);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env,
    clearEnv: true,
    stdin: "null",
  })
    .output();
  if (success) return { path };
  const said = new TextDecoder().decode(stderr);
  if (!/denort|dl\.deno\.land/.test(said)) throw new Error(`deno compile for ${triple} failed:\n${said}`);
  return {
    missing:
      said.trim().split("\n").find((line) =>
        /dl\.deno\.land|denort/.test(line) && !/temporary file/.test(line)
      )?.trim() ?? said.trim(),
  };
}

/** The arguments of the task that compiles for this machine, for another. */
function compileArgs(triple: string, path: string): string[] {
  const [, line = ""] = /deno (compile .*)$/.exec(project.tasks.compile) ?? [];
  const words = line.split(" ");
  const at = words.indexOf("-o");
  return [words[0]!, "--target", triple, ...words.slice(1, at), "-o", path, ...words.slice(at + 2)];
}

/** `HASH  NAME` for each file, as sha256sum writes and checks it. */
export async function sums(paths: readonly string[]): Promise<string> {
  const lines = await Promise.all(paths.map(async (path) => {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path)));
    return `${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}  ${basename(path)}\n`;
  }));
  return lines.sort((a, b) => a.slice(66) < b.slice(66) ? -1 : 1).join("");
}

/** Makes the release; throws where a part of it fails. */
export async function release(
  targets: readonly Target[],
  skipsMissing: boolean,
  folder: string,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.remove(join(folder, name), { recursive: true });
  }
  await run(Deno.execPath(), ["task", "page"], { cwd: ROOT });
  const made: string[] = [];
  for (const target of targets) {
    const compiled = await compileFor(target, folder);
    if ("missing" in compiled) {
      if (!skipsMissing) {
        throw new Error(
          `${target.name}: its runtime cannot be had here: ${compiled.missing}; --skip-missing leaves it out`,
        );
      }
      console.log(`${target.name}: LEFT OUT, its runtime cannot be had here: ${compiled.missing}`);
      continue;
    }
    console.log(compiled.path);
    made.push(compiled.path);
    if (!target.triple.includes("linux")) continue;
    const deb = await buildDeb({ executable: compiled.path, arch: target.triple.split("-", 1)[0]!, folder });
    console.log(deb);
    made.push(deb);
  }
  if (made.length === 0) throw new Error("no executable could be made");
  const parts = join(folder, `mevent-${project.version}.cdx.json`);
  const { deno, v8 } = Deno.version;
  await Deno.writeTextFile(
    parts,
    await sbom(await embeddedPackages(), { builtAt: buildSeconds(), deno, v8 }),
  );
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), await sums([...made, parts]));
  console.log(`${folder}: ${made.length + 2} files`);
}

if (import.meta.main) {
  const given = parseArgs(Deno.args, { string: ["only"], boolean: ["skip-missing"] });
  const names = String(given.only ?? "").split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only: ${unknown} is none of ${TARGETS.map(({ name }) => name).join(", ")}`);
  }
  await release(
    names.length === 0 ? TARGETS : TARGETS.filter(({ name }) => names.includes(name)),
    given["skip-missing"] === true,
    FOLDER,
  );
}
