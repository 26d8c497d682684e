import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { ChildProcess, onceReady } from "../support/child_process.ts";
import { findProgram } from "../support/find_program.ts";
import { freePort } from "../support/free_port.ts";

const VERSION = "2.9.5";
const BUN_VERSION = "1.4.5";
/** Its clients may ask so much in its window of a minute: 10,000 times as it comes. */
const NO_LIMIT = String(1e9);

/** What its client is told to do. */
export type BunqueueTask =
  | { kind: "add"; inFlight: number; connections?: number; durable?: boolean; warmupMs: number; ms: number }
  | { kind: "bulk"; size: number; warmupMs: number; ms: number }
  | { kind: "drain"; jobs: number; concurrency: number }
  | { kind: "fill"; jobs: number };

const Answer = v.object({
  perSecond: v.number(),
  /** Of adds. */
  times: v.optional(v.object({
    /** Those of the warm-up, too. */
    all: v.number(),
    p50_us: v.number(),
    p99_us: v.number(),
    p999_us: v.number(),
    max_us: v.number(),
  })),
});

/** What its client did. */
export type BunqueueAnswer = v.InferOutput<typeof Answer>;

/** bunqueue, a queue in TypeScript for Bun, both from npm in a folder of its own. */
export class Bunqueue implements AsyncDisposable {
  static readonly version = `bunqueue ${VERSION} on bun ${BUN_VERSION}`;

  private constructor(readonly folder: string, readonly bun: string) {}

  /** Installs it; says why that cannot be done where it cannot. */
  static async install(): Promise<Bunqueue | string> {
    const npm = findProgram("npm");
    if (npm === null) return "there is no npm";
    const folder = await Deno.makeTempDir();
    const packages = [`bunqueue@${VERSION}`, `bun@${BUN_VERSION}`];
    // Bun's own install script would only copy the program that its package for this system has.
    const flags = ["--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
    const install = new ChildProcess(npm, ["install", ...flags, ...packages]);
    const problem = await install.ended() === 0 ? "" : `npm says ${install.stderr.trim()}`;
    const bun = problem === "" ? await runningBun(folder) : null;
    if (bun !== null) return new Bunqueue(folder, bun);
    await Deno.remove(folder, { recursive: true });
    return problem === "" ? "bun does not run here" : problem;
  }

  /** Starts a server with an empty memory, or with a database in a folder. */
  async start(folder?: string): Promise<BunqueueServer> {
    const port = freePort();
    const server = new ChildProcess("env", [
      `RATE_LIMIT_MAX_REQUESTS=${NO_LIMIT}`,
      ...folder === undefined ? [] : [`BUNQUEUE_DATA_PATH=${join(folder, "bunqueue.db")}`],
      `TCP_PORT=${port}`,
      `HTTP_PORT=${freePort()}`,
      "HOST=127.0.0.1",
      "LOG_LEVEL=error",
      this.bun,
      join(this.folder, "node_modules/bunqueue/dist/cli/index.js"),
      "start",
    ]);
    return await onceReady(new BunqueueServer(this, server, port), server.listens(port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A server on a port of the loopback, until it is disposed of. */
export class BunqueueServer implements AsyncDisposable {
  constructor(readonly bunqueue: Bunqueue, readonly process: ChildProcess, readonly port: number) {}

  get pid(): number {
    return this.process.pid;
  }

  /** Lets its own client, a process, do something; returns how many jobs a second that were. */
  async do(task: BunqueueTask): Promise<number> {
    return (await this.answer(task)).perSecond;
  }

  /** The same, with all that the client says. */
  async answer(task: BunqueueTask): Promise<BunqueueAnswer> {
    const script = fileURLToPath(new URL("./bunqueue_client.js", import.meta.url));
    const { bun, folder } = this.bunqueue;
    const client = new ChildProcess(bun, [script, folder, JSON.stringify({ ...task, port: this.port })]);
    if (await client.ended() !== 0) {
      throw new Error(`bunqueue's client did not ${task.kind}: ${client.stderr || client.stdout}`);
    }
    return v.parse(Answer, JSON.parse(client.stdout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** The first of bun's programs for this system that runs on this CPU. */
async function runningBun(folder: string): Promise<string | null> {
  const scope = join(folder, "node_modules/@oven");
  for await (const { name } of Deno.readDir(scope)) {
    const program = join(scope, name, "bin/bun");
    try {
      if (await new ChildProcess(program, ["--version"]).ended() === 0) return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}
