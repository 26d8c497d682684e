import { fileURLToPath } from "node:url";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { HAS_PYTHON, PYTHON, PYTHON_NOTE } from "./python.ts";
import type { RawConnection } from "./raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./requests.ts";
import { inSteps, type Step } from "./steps.ts";
import { type PluginOverrides, TestServer } from "./test_server.ts";

export const WORKER = fileURLToPath(new URL("./exec_worker.py", import.meta.url));
const NAMES = [
  "echo",
  "die",
  "die once",
  "answer and die",
  "hang",
  "slow",
  "obey",
  "spin",
  "garbage",
  "flood",
  "endless",
  "long answer",
  "twice",
  "unknown",
  "line",
  "close stdout",
  "about",
  "tell",
] as const;
export type Name = typeof NAMES[number];
const COMMANDS = Object.fromEntries(NAMES.map((name, index) => [2001 + index, name]));
export const DEFAULTS = { command: [PYTHON, WORKER], commands: COMMANDS, concurrency: 8 };

/** The plugin `py` of {@link WORKER}, with these keys of its own config and of its table. */
export function overrides(config: JsonObject, plugin: Partial<PluginOverrides>): PluginOverrides {
  const permissions = { ...NO_PERMISSIONS, run: [PYTHON] };
  return {
    name: "py",
    module: "builtin:exec",
    permissions,
    config: { ...DEFAULTS, ...config },
    timeout: 30_000,
    ...plugin,
  };
}
export const NO_PERMISSIONS = PLUGIN_DEFAULTS.permissions;

export function start(config: JsonObject = {}, plugin: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [overrides(config, plugin)] });
}

export function request(name: Name, params: JsonValue = {}, id = 1, sync = true): Uint8Array {
  return streamRequest({ id, plugin: "py", command: 2001 + NAMES.indexOf(name), params, sync });
}

export async function ask(connection: RawConnection, name: Name, params: JsonValue = {}) {
  await connection.send(request(name, params));
  const reply = await connection.reply();
  return { code: reply.code, value: valueOf(reply), message: messageOf(reply) };
}

export async function pidOf(connection: RawConnection): Promise<number> {
  return Number(((await ask(connection, "about")).value as JsonObject)["pid"]);
}

export function logged(server: TestServer, message: string): JsonObject[] {
  const told = server.log.filter((line) => line.includes(message));
  return told.map((line): JsonObject => JSON.parse(line)).filter((line) =>
    String(line["message"]).includes(message)
  );
}

/** The processes of a session that have not ended. */
export function aliveIn(session: number): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) =>
    pid > 0 && isAlive(pid) && sessionOf(pid) === session
  );
}

/** The session that a process is in; undefined where there is no such process. */
export function sessionOf(pid: number): number | undefined {
  try {
    return Number(Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ")[3]);
  } catch {
    return undefined;
  }
}

/** A process that has ended and not been waited for counts as ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `exec: ${name}${PYTHON_NOTE}`, ignore: !HAS_PYTHON, fn });
}

/** One server for several checks. */
export function testSteps(
  name: string,
  config: JsonObject,
  plugin: Partial<PluginOverrides>,
  steps: Readonly<Record<string, Step>>,
): void {
  const fn = inSteps(() => start(config, plugin), steps);
  Deno.test({ name: `exec: ${name}${PYTHON_NOTE}`, ignore: !HAS_PYTHON, fn });
}
