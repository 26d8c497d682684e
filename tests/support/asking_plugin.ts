/** What {@link ASKING} asks for, and the sentence that refuses it: what it may not, and the line that would grant it. */
export interface Ask {
  readonly command: number;
  readonly sentence: string;
  readonly line: string;
}

/** A plugin each of whose commands needs a grant that it does not have; `net` and `env` it has a little of. */
export const ASKING = `import type { Plugin } from "mevent/plugin";
import { readFileSync } from "node:fs";
const wrapped = (cause: unknown): never => { throw new Error("the driver gave up", { cause }); };
export default {
  name: "asking",
  commands: {
    1001: { name: "read", run: () => Deno.readTextFile("/etc/passwd") },
    1002: { name: "read_node", run: () => readFileSync("/etc/passwd", "utf8") },
    1003: { name: "write", run: () => Deno.writeTextFile("/etc/mevent-test", "") },
    1004: { name: "tcp", run: async () => void await Deno.connect({ hostname: "127.0.0.2", port: 5432 }) },
    1005: { name: "fetch", run: async () => void await fetch("http://127.0.0.2:81/").catch(wrapped) },
    1006: { name: "listen", run: () => void Deno.listen({ hostname: "127.0.0.2", port: 4000 }) },
    1007: { name: "env", run: () => Deno.env.get("HOME") ?? null },
    1008: { name: "all_env", run: () => Object.keys(Deno.env.toObject()) },
    1009: { name: "run", run: () => void new Deno.Command("id").outputSync() },
    1010: { name: "sys", run: () => Deno.hostname() },
    1011: { name: "ffi", run: () => void Deno.dlopen("libc.so.6", {}) },
    1012: { name: "import", run: async () => (await import("/etc/" + "mevent-test.js")).default },
    1013: { name: "kill", run: () => Deno.kill(Deno.pid, "SIGKILL") },
    1014: { name: "environ", run: () => Deno.readTextFile("/proc/self/environ") },
    1015: { name: "memory", run: () => void Deno.openSync("/proc/self/mem") },
    1016: { name: "snapshots", run: (context) => [...Deno.readDirSync(context.params.string("path"))].length },
    1017: { name: "worker", run: () => void new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: true } } }) },
    1018: { name: "link", run: () => Deno.symlinkSync("/etc/passwd", new URL("./link", import.meta.url)) },
    1019: { name: "inherit", run: () => new Promise((resolve) => {
      const text = "try { Deno.readTextFileSync('/etc/passwd'); postMessage('read'); } catch (e) { postMessage(e.name); }";
      const worker = new Worker("data:text/javascript," + encodeURIComponent(text), { type: "module" });
      worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
    }) },
    1020: { name: "request", run: async () => (await Deno.permissions.request({ name: "read", path: "/etc" })).state },
    1021: { name: "own", run: async () => (await Deno.readTextFile(new URL(import.meta.url))).slice(0, 11) },
    1024: { name: "beside", run: () => Deno.readTextFile(new URL("./beside.txt", import.meta.url)) },
    1023: { name: "import_url", run: async () => (await import(" FILE:///etc/" + "mevent-test.js")).default },
    1022: { name: "granted_env", run: () => Deno.env.get("MEVENT_GRANTED") ?? null },
  },
} satisfies Plugin;
`;

/** The grants that {@link ASKING} is given, as they stand in a config. */
export const ASKING_GRANTS = { net: ["127.0.0.3:1"], env: ["MEVENT_GRANTED"] };

const NET = 'net = ["127.0.0.3:1"]';
const ENV = 'env = ["MEVENT_GRANTED"]';

/** The line with one entry more, in the order of the kinds. */
const line = (before: string, after = "") => `permissions = { ${before}${after === "" ? "" : `, ${after}`} }`;

/** @param snapshots the folder of another plugin's snapshot */
export function asks(snapshots: string): Ask[] {
  const read = (path: string) => line(`${NET}, read = [${JSON.stringify(path)}]`, ENV);
  const net = (host: string) => line(`net = ["127.0.0.3:1", ${JSON.stringify(host)}]`, ENV);
  const last = (entry: string) => line(`${NET}, ${ENV}`, entry);
  return [
    { command: 1001, sentence: 'may not read "/etc/passwd"', line: read("/etc/passwd") },
    { command: 1002, sentence: 'may not read "/etc/passwd"', line: read("/etc/passwd") },
    {
      command: 1003,
      sentence: 'may not write "/etc/mevent-test"',
      line: line(`${NET}, write = ["/etc/mevent-test"]`, ENV),
    },
    { command: 1004, sentence: 'may not use the network at "127.0.0.2:5432"', line: net("127.0.0.2:5432") },
    {
      command: 1005,
      sentence: 'the driver gave up: plugin asking may not use the network at "127.0.0.2:81"',
      line: net("127.0.0.2:81"),
    },
    { command: 1006, sentence: 'may not use the network at "127.0.0.2:4000"', line: net("127.0.0.2:4000") },
    {
      command: 1007,
      sentence: 'may not read the environment variable "HOME"',
      line: line(`${NET}, env = ["MEVENT_GRANTED", "HOME"]`),
    },
    { command: 1008, sentence: "is not granted the whole environment", line: line(`${NET}, env = true`) },
    { command: 1009, sentence: 'may not run "id"', line: last('run = ["id"]') },
    { command: 1010, sentence: 'may not ask the system for "hostname"', line: last('sys = ["hostname"]') },
    { command: 1011, sentence: 'may not load the library "libc.so.6"', line: last('ffi = ["libc.so.6"]') },
    { command: 1012, sentence: 'may not read "/etc/mevent-test.js"', line: read("/etc/mevent-test.js") },
    { command: 1023, sentence: 'may not read "/etc/mevent-test.js"', line: read("/etc/mevent-test.js") },
    { command: 1024, sentence: "beside.txt", line: "/beside.txt" },
    { command: 1013, sentence: "is not granted to run every program", line: last("run = true") },
    { command: 1014, sentence: 'may not read "/proc/self/environ"', line: read("/proc/self/environ") },
    { command: 1015, sentence: 'may not read "/proc/self/mem"', line: read("/proc/self/mem") },
    { command: 1016, sentence: `may not read ${JSON.stringify(snapshots)}`, line: read(snapshots) },
    { command: 1017, sentence: "Can't escalate parent thread permissions", line: "" },
    {
      command: 1018,
      sentence: "is not granted to write every file",
      line: line(`${NET}, write = true`, ENV),
    },
  ];
}

/** What it may all the same, or is told as a result. */
export const ANSWERS: readonly (readonly [number, string | null])[] = [
  [1019, "NotCapable"],
  [1020, "denied"],
  [1021, "import type"],
  [1022, null],
];
