import { assert, assertEquals } from "@std/assert";
import type { PluginPermissions } from "../../src/config/config.ts";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import { readablePlaces } from "../../src/server/confinement.ts";
import { landlockVersion } from "../../src/host/landlock.ts";

const none: PluginPermissions = PLUGIN_DEFAULTS.permissions;
const hasLandlock = landlockVersion() > 0;
if (!hasLandlock) console.error("SKIPPED: the kernel has no Landlock, so no thread confines itself");

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-test-" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function snapshotIn(path: string) {
  return { url: "", hash: "", files: [`${path}/p.ts`], texts: [], folder: `${path}/snapshot/`, root: path };
}

Deno.test("what the kernel lets a worker read is its own, what is granted, and what the system needs", async () => {
  await using own = await folder();
  await using data = await folder();
  await Deno.mkdir(`${own.path}/snapshot`);
  await Deno.writeTextFile(`${own.path}/p.ts`, "");
  await Deno.mkdir(`${data.path}/prices`);
  await Deno.writeTextFile(`${data.path}/prices/today.json`, "{}");
  const paths = (grants: Partial<PluginPermissions>, env: Record<string, string> = {}) =>
    readablePlaces({ ...none, ...grants }, snapshotIn(own.path), (name) => env[name]).map(({ path }) => path);
  const ours = (places: string[]) => places.filter((path) => path.startsWith("/tmp/"));

  assertEquals(ours(paths({})), [`${own.path}/snapshot/`, `${own.path}/p.ts`]);
  assert(!paths({}).includes("/lib") && paths({ net: ["localhost"] }).includes("/lib"));
  assert(!paths({}).includes("/proc/cpuinfo") && paths({ sys: ["cpus"] }).includes("/proc/cpuinfo"));
  const granted = [
    `${data.path}/prices`,
    `${data.path}/prices/today.json`,
    `${data.path}/none/at/all.json`,
  ];
  assertEquals(ours(paths({ read: granted })).slice(2), [`${data.path}/prices`, data.path]);
  const authority = `${data.path}/prices/today.json`;
  assert(!paths({}).includes(authority));
  for (const name of ["SSL_CERT_FILE", "SSL_CERT_DIR", "DENO_CERT"]) {
    assert(paths({}, { [name]: authority }).includes(authority), name);
  }
});

Deno.test("another folder at a granted path is another place", async () => {
  await using own = await folder();
  await using data = await folder();
  const place = () => {
    const places = readablePlaces({ ...none, read: [data.path] }, snapshotIn(own.path), () => undefined);
    return places.find(({ path }) => path === data.path);
  };
  const before = place();
  assertEquals(place(), before);
  await Deno.rename(data.path, `${own.path}/moved`);
  await Deno.mkdir(data.path);
  assert(before !== undefined && place()?.id !== before.id);
});

Deno.test({
  name: "a thread that confines itself, and those that it starts, read nothing else; the others do",
  ignore: !hasLandlock,
  async fn() {
    await using open = await folder();
    await using closed = await folder();
    for (const { path } of [open, closed]) await Deno.writeTextFile(`${path}/file`, path);
    const worker = new Worker(new URL("../support/confined_thread.ts", import.meta.url), { type: "module" });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage({ open: open.path, closed: closed.path });
    assertEquals(await promise, {
      open: open.path,
      closed: "PermissionDenied",
      later: "PermissionDenied",
      library: "NotCapable",
    });
    worker.terminate();
    assertEquals(await Deno.readTextFile(`${closed.path}/file`), closed.path);
  },
});
