import { dirname, join } from "node:path";
import { systemReason } from "../../system_reason.ts";
import { SERVICE, type UnitPaths } from "./unit.ts";

/** Where the service's files lie, all of them below a folder. */
export interface ServicePlaces extends UnitPaths {
  readonly root: string;
}

/** A file, and what becomes of it: `written`, `left as it is`. */
export type Step = readonly [path: string, what: string];

/** A service that cannot be set up; the message says why. */
export class InstallError extends Error {
  override readonly name = "InstallError";

  constructor(message: string, readonly kind: "file" | "systemd") {
    super(message);
  }
}

/** Where systemd finds units that an administrator has written. */
const UNIT = `/etc/systemd/system/${SERVICE}.service`;

/** Writes the service's files; with `isDry` it only tells what it would do. Throws InstallError. */
export async function putService(
  { root, executable, config }: ServicePlaces,
  unit: string,
  example: string,
  isDry: boolean,
): Promise<Step[]> {
  const steps: Step[] = [];
  const put = async (path: string, write: (path: string) => Promise<void>) => {
    if (!isDry) {
      await doing(path, async () => {
        await Deno.mkdir(dirname(path), { recursive: true });
        // Under another name first: a server may run from what is there.
        await write(`${path}.new`);
        await Deno.rename(`${path}.new`, path);
      });
    }
    steps.push([path, "written"]);
  };
  const own = Deno.build.standalone ? Deno.execPath() : null;
  const binary = join(root, executable);
  if (own === null && !isDry) {
    throw new InstallError(
      "only an executable can be put anywhere, and this mevent runs from its sources: compile one first",
      "file",
    );
  }
  if (own !== null && await isSame(own, binary)) steps.push([binary, "left as it is: it is this executable"]);
  else {
    await put(binary, async (path) => {
      await Deno.copyFile(own!, path);
      await Deno.chmod(path, 0o755);
    });
  }
  await put(join(root, UNIT), (path) => Deno.writeTextFile(path, unit, { mode: 0o644 }));
  const settings = join(root, config);
  if (await isThere(settings)) steps.push([settings, "left as it is"]);
  else await put(settings, (path) => Deno.writeTextFile(path, example, { mode: 0o644 }));
  return steps;
}

/** Removes unit and executable; with `isDry` it only tells what it would do. Throws InstallError. */
export async function removeService(
  { root, executable, config }: ServicePlaces,
  isDry: boolean,
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const path of [join(root, UNIT), join(root, executable)]) {
    if (!await isThere(path)) continue;
    if (!isDry) await doing(path, () => Deno.remove(path));
    steps.push([path, "removed"]);
  }
  for (const path of [join(root, config), join(root, `/var/lib/${SERVICE}`)]) {
    if (await isThere(path)) steps.push([path, "left as it is"]);
  }
  return steps;
}

/** Has systemd do something. Throws InstallError with what it says. */
export async function systemctl(...args: string[]): Promise<void> {
  const line = `systemctl ${args.join(" ")}`;
  try {
    const { success, stderr } = await new Deno.Command("systemctl", { args, stdin: "null" }).output();
    if (success) return;
    throw new InstallError(`${line}: ${new TextDecoder().decode(stderr).trim()}`, "systemd");
  } catch (error) {
    if (error instanceof InstallError) throw error;
    throw new InstallError(`${line}: ${systemReason(error, "file")}`, "systemd");
  }
}

async function doing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new InstallError(`${path}: ${systemReason(error, "file")}`, "file");
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  try {
    return await Deno.realPath(one) === await Deno.realPath(other);
  } catch {
    return false;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new InstallError(`${path}: ${systemReason(error, "file")}`, "file");
  }
}
