import { dirname } from "node:path";
import type { PluginConfig, PluginPermissions } from "../config/config.ts";
import type { PreparedModule } from "../modules/prepare_module.ts";
import { UnreadableFile } from "../modules/read_regular.ts";
import { statWithin } from "../modules/stat_within.ts";
import type { Log } from "../observe/log.ts";
import type { ReadablePlace } from "../ring/messages.ts";
import { landlockVersion } from "../host/landlock.ts";

/**
 * Of the local time, of the memory in use, and what Deno reads before it asks for the permission to use the network: where
 * systems keep the certificates that they trust belongs to that.
 */
const ALWAYS = [
  "/etc/localtime",
  "/etc/timezone",
  "/usr/share/zoneinfo",
  "/proc/self/statm",
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/ssl/certs",
  "/etc/ssl/cert.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ca-certificates",
  "/etc/pki",
  "/usr/share/ca-certificates",
  "/usr/local/share/ca-certificates",
];
/** Variables that name more such certificates. */
const CERTIFICATES = ["SSL_CERT_FILE", "SSL_CERT_DIR", "DENO_CERT"];
/** What libc reads to look up anything, its libraries included. */
const LIBC = ["/etc/nsswitch.conf", "/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64"];
/** What it reads beside that to resolve a name. */
const NETWORK = [
  ...LIBC,
  "/etc/host.conf",
  "/etc/gai.conf",
  "/etc/services",
  "/etc/protocols",
  "/run/systemd/resolve",
];
/** What Deno reads to tell of the system, and of its users. */
const SYSTEM = [
  ...LIBC,
  "/proc/cpuinfo",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/uptime",
  "/proc/sys/kernel/osrelease",
  "/proc/sys/kernel/version",
  "/etc/passwd",
  "/sys/devices/system/cpu",
];

/** Where SQLite makes its temporary files, the first that there is; they are neither asked for nor named. */
const TEMPORARY = ["/var/tmp", "/usr/tmp", "/tmp"];

/** What a file system gets to say what stands at a path, in ms. */
const ANSWER_MS = 5000;

let version: number | undefined;

/** Whether the kernel can hold what a worker reads. From source Deno asks for permission itself, wherever a module comes from. */
function isConfinable(): boolean {
  return Deno.build.standalone && (version ??= landlockVersion()) > 0;
}

/** Says where plugins with code of their own run, and the kernel does not hold them to what they may read. */
export function tellUnconfined(plugins: readonly PluginConfig[], log: Log): void {
  if (!Deno.build.standalone || isConfinable() || !plugins.some(({ module }) => module.startsWith("file:"))) {
    return;
  }
  log.warn(
    "plugins' code made at run time (eval) may import any JSON and JavaScript: the system has no Landlock",
    {
      advice: "run on Linux 5.13 or newer with Landlock, or only code that you trust",
    },
  );
}

/**
 * Rejects where a place that a plugin may read lies on a file system that does not answer: {@link confinement} looks at
 * them from the main thread.
 */
export async function grantsAnswer({ read }: PluginPermissions): Promise<void> {
  if (typeof read === "boolean" || !isConfinable()) return;
  await Promise.all(read.map(async (path) => {
    try {
      await statWithin(path, ANSWER_MS);
    } catch (error) {
      // What is not there yet may come.
      if (error instanceof UnreadableFile) {
        throw new Error(`it is granted to read ${path}, which ${error.message}`);
      }
    }
  }));
}

/**
 * What the kernel is to let a plugin's worker read; null where it is not to hold that: the plugin is built in, may read
 * everything, or has programs or libraries that read what they like.
 */
export function confinement(
  granted: PluginPermissions,
  snapshot: PreparedModule | null,
): readonly ReadablePlace[] | null {
  const { read, run, ffi } = granted;
  if (snapshot === null || read === true || run !== false || ffi !== false || !isConfinable()) return null;
  return readablePlaces(granted, snapshot, (name) => Deno.env.get(name));
}

/**
 * What a plugin's worker has to be able to read: its own files, what the config grants, and what Deno itself needs for that. Of a
 * file that is granted it is the folder, as the file may be replaced, or written beside it first; of what is not there yet,
 * the nearest folder that is. Each place once.
 */
export function readablePlaces(
  { read, write, net, sys }: PluginPermissions,
  snapshot: PreparedModule,
  env: (name: string) => string | undefined,
): ReadablePlace[] {
  const paths = [
    snapshot.folder,
    ...snapshot.files,
    ...ALWAYS,
    ...CERTIFICATES.map((name) => env(name) ?? ""),
    ...net === false ? [] : NETWORK,
    ...sys === false ? [] : SYSTEM,
    ...read === false || write === false ? [] : temporary(env),
  ];
  const granted = typeof read === "boolean" ? [] : read.map(grantedPlace);
  const places = [...paths.map(placeAt), ...granted].filter((place) => place !== null);
  return [...new Map(places.map((place) => [place.path, place])).values()];
}

function temporary(env: (name: string) => string | undefined): string[] {
  const folders = [env("SQLITE_TMPDIR"), env("TMPDIR"), ...TEMPORARY];
  const [first] = folders.filter((path) => path !== undefined && infoOf(path)?.isDirectory === true);
  return first === undefined ? [] : [first];
}

function grantedPlace(path: string): ReadablePlace | null {
  for (let at = path;; at = dirname(at)) {
    const info = infoOf(at);
    if (info?.isDirectory === true) return placeAt(at);
    if (at === dirname(at)) return null;
  }
}

function placeAt(path: string): ReadablePlace | null {
  const info = infoOf(path);
  if (info === null) return null;
  // The kernel makes those of a process anew.
  return { path, id: path.startsWith("/proc/") ? "" : `${info.dev}:${info.ino}` };
}

function infoOf(path: string): Deno.FileInfo | null {
  if (path === "") return null;
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
