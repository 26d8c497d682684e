import { join } from "node:path";
import { ChildProcess } from "../support/child_process.ts";
import { findProgram } from "../support/find_program.ts";
import { freePort } from "../support/free_port.ts";
import type { Loadgen } from "../loadgen.ts";
import { MeventServer } from "../support/mevent_server.ts";
import { type Contestant, FULL_PLUGIN } from "./contestants.ts";
import { JOURNAL_PLUGINS_CONFIG, JOURNAL_SERVER_CONFIG } from "./journal_config.ts";
import { PEER_CONFIG, PEER_DAEMONS, type PeerDaemon } from "./daemons.ts";

/** Beside the plugins that every server of a bench runs. */
const FULL_PLUGIN_CONFIG = `
[[plugin]]
name = "${FULL_PLUGIN}"
biz = 53
module = "builtin:echo"
queue = { max_ops = 20_000 }
`;

/** Starts a server of mevent's with plugins that keep journals in its own temporary folder. */
export async function startWithJournals(program: string): Promise<MeventServer> {
  return await MeventServer.start(program, JOURNAL_PLUGINS_CONFIG, JOURNAL_SERVER_CONFIG);
}

/** A system that listens on a port of the loopback until it is disposed of. */
export interface RunningSystem extends AsyncDisposable {
  readonly port: number;
  /** Of the server. */
  readonly pid: number;
}

/** Starts the system of a contestant, with an empty memory, and its workers. Null where it is not installed. */
export async function startSystem(
  loadgen: Loadgen,
  { name, system, build, workers, options, isDurable }: Contestant,
): Promise<RunningSystem | null> {
  if (system === "bunqueue" || system === "disk") {
    throw new Error(`${name} has no server that loadgen speaks to`);
  }
  if (system === "mevent") {
    if (build === undefined) throw new Error(`${name} is of no build`);
    if (isDurable) return await startWithJournals(build.program);
    return await MeventServer.start(build.program, options.includes(FULL_PLUGIN) ? FULL_PLUGIN_CONFIG : "");
  }
  const port = freePort();
  if (system === "mock") {
    return await listening(port, [loadgen.role(["--role", "mock", "--port", String(port)])]);
  }
  const daemon: PeerDaemon = PEER_DAEMONS[system];
  const program = findProgram(daemon.program);
  if (program === null || isDurable && await durableProblem(daemon) !== null) return null;
  const folder = await Deno.makeTempDir();
  const config = isDurable ? daemon.durable?.config?.(port, folder) : undefined;
  if (config !== undefined) await Deno.writeTextFile(join(folder, PEER_CONFIG), config);
  const args = (isDurable ? daemon.durable : undefined)?.args ?? daemon.args;
  const running = await listening(port, [new ChildProcess(program, args(port, folder))], folder);
  if (workers && daemon.workers !== undefined) {
    running.processes.push(loadgen.role([...daemon.workers, "--port", String(port)]));
  }
  return running;
}

/** Why a daemon cannot do the durable works, or null. It is installed. */
export async function durableProblem({ program, durable }: PeerDaemon): Promise<string | null> {
  if (durable === undefined) return "has no such mode";
  if (durable.since === undefined) return null;
  const version = new ChildProcess(findProgram(program) ?? program, ["--version"]);
  await version.ended();
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version.stdout)?.map(Number) ?? [];
  const [leastMajor, leastMinor] = durable.since;
  if (major !== undefined && minor !== undefined) {
    if (major > leastMajor || major === leastMajor && minor >= leastMinor) return null;
  }
  return `is ${version.stdout.trim()}, and syncs before it acknowledges since ${durable.since.join(".")}`;
}

interface Processes extends RunningSystem {
  /** The server, then its workers. */
  readonly processes: ChildProcess[];
}

async function listening(
  port: number,
  processes: [ChildProcess, ...ChildProcess[]],
  folder?: string,
): Promise<Processes> {
  const system = {
    port,
    pid: processes[0].pid,
    processes,
    async [Symbol.asyncDispose]() {
      for (const process of processes.toReversed()) await process[Symbol.asyncDispose]();
      if (folder !== undefined) await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    for (const process of processes) await process.listens(port);
  } catch (error) {
    await system[Symbol.asyncDispose]();
    throw error;
  }
  return system;
}
