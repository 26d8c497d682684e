import { ChildProcess } from "../support/child_process.ts";
import { findProgram } from "../support/find_program.ts";
import { freePort } from "../support/free_port.ts";
import type { Loadgen } from "../loadgen.ts";
import { MeventServer } from "../support/mevent_server.ts";
import { type Contestant, FULL_PLUGIN } from "./contestants.ts";
import { PEER_DAEMONS, type PeerDaemon } from "./daemons.ts";

/** Beside the plugins that every server of a bench runs. */
const FULL_PLUGIN_CONFIG = `
[[plugin]]
name = "${FULL_PLUGIN}"
biz = 53
module = "builtin:echo"
queue = { max_ops = 20_000 }
`;

/** A system that listens on a port of the loopback until it is disposed of. */
export interface RunningSystem extends AsyncDisposable {
  readonly port: number;
  /** Of the server. */
  readonly pid: number;
}

/** Starts the system of a contestant, with an empty memory, and its workers. Null where it is not installed. */
export async function startSystem(
  loadgen: Loadgen,
  { name, system, build, workers, options }: Contestant,
): Promise<RunningSystem | null> {
  if (system === "mevent") {
    if (build === undefined) throw new Error(`${name} is of no build`);
    return await MeventServer.start(build.program, options.includes(FULL_PLUGIN) ? FULL_PLUGIN_CONFIG : "");
  }
  const port = freePort();
  if (system === "mock") {
    return await listening(port, [loadgen.role(["--role", "mock", "--port", String(port)])]);
  }
  const daemon: PeerDaemon = PEER_DAEMONS[system];
  const program = findProgram(daemon.program);
  if (program === null) return null;
  const folder = await Deno.makeTempDir();
  const running = await listening(port, [new ChildProcess(program, daemon.args(port, folder))], folder);
  if (workers && daemon.workers !== undefined) {
    running.processes.push(loadgen.role([...daemon.workers, "--port", String(port)]));
  }
  return running;
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
