import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { ConnectError, Connection, ConnectionLostError, type StreamAddress } from "../../src/client/mod.ts";
import { asServerStats, fetchStats } from "../../src/cli/stats/report.ts";
import type { ServerStats } from "../../src/observe/server_stats.ts";
import { ChildProcess, onceReady } from "./child_process.ts";
import { freePort } from "./free_port.ts";
import { memoryOf } from "./memory_of.ts";

/** Log lines that are kept, the newest. */
const MAX_LINES = 1000;
/** It gets so long to answer, on a machine with much else to do, too; in ms. */
const START_MS = 60_000;
const LOOK_EVERY_MS = 10;
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export interface WatchedServerOptions {
  /** mevent's executable; undefined: from source. */
  readonly mevent: string | undefined;
  /** The config's text; `PLUGINS/` in it is the folder bench/plugins. */
  readonly config: string;
  /** Descriptors that it may have; undefined: as many as this process. */
  readonly descriptors?: number;
  /** What becomes of its log: it is read here, or goes to a disk without room, or into a pipe that nobody reads. */
  readonly log?: "read" | "full" | "unread";
}

/** A server in a process of its own, on TCP, UDP and a Unix socket, whose log is read line by line. */
export class WatchedServer implements AsyncDisposable {
  /** The newest lines of its log. */
  readonly log: string[] = [];
  /** Lines of level error, so far. */
  errors = 0;
  #rest = "";

  private constructor(
    readonly process: ChildProcess,
    readonly port: number,
    readonly folder: string,
  ) {}

  /** Starts it and waits until it listens. */
  static async start(options: WatchedServerOptions): Promise<WatchedServer> {
    const { mevent, config, descriptors, log = "read" } = options;
    const folder = await Deno.makeTempDir({ prefix: "mevent_bench_" });
    const port = freePort();
    const file = join(folder, "mevent.toml");
    const plugins = fileURLToPath(new URL("../plugins/", import.meta.url));
    await Deno.writeTextFile(file, config.replaceAll("PLUGINS/", plugins));
    const address = `127.0.0.1:${port}`;
    const program = mevent === undefined ? [Deno.execPath(), "run", "-A", "--no-check", MAIN] : [mevent];
    const serve = [
      "serve",
      "--config",
      file,
      "--listen",
      address,
      "--udp",
      address,
      "--unix",
      join(folder, "socket"),
    ];
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const pipe = join(folder, "log");
    const redirect = { read: "", full: " 2>/dev/full", unread: ` 2<>'${pipe}'` }[log];
    const script = `${log === "unread" ? `mkfifo '${pipe}'; ` : ""}${limit}exec "$0" "$@"${redirect}`;
    const heard = (text: string) => server.#heard(text);
    const process: ChildProcess = new ChildProcess("bash", ["-c", script, ...program, ...serve], heard);
    const server: WatchedServer = new WatchedServer(process, port, folder);
    // The Unix socket is the last one that it opens.
    return await onceReady(server, process.listens(port).then(() => server.#answers()));
  }

  get pid(): number {
    return this.process.pid;
  }

  get tcp(): StreamAddress {
    return { transport: "tcp", hostname: "127.0.0.1", port: this.port };
  }

  get unix(): StreamAddress {
    return { transport: "unix", path: join(this.folder, "socket") };
  }

  /** Its memory, in bytes; 0 where it has ended. */
  get resident(): number {
    return this.process.hasEnded ? 0 : memoryOf(this.pid).resident;
  }

  /** Descriptors that it has open. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length;
  }

  /** Asks it for its figures, on a connection of its own over the Unix socket. */
  async stats(timeoutMs = 5000): Promise<ServerStats> {
    await using client = await Connection.connect(this.unix, { timeoutMs });
    return asServerStats(await fetchStats(client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        return void await this.stats(START_MS);
      } catch (error) {
        // It listens before its plugins run, and closes what has connected where they do not.
        const isEarly = error instanceof ConnectError || error instanceof ConnectionLostError;
        if (!isEarly || performance.now() > deadline) throw error;
        if (this.process.hasEnded) throw new Error(`the server has ended: ${this.process.stderr}`);
        await pause(LOOK_EVERY_MS);
      }
    }
  }

  #heard(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.log.push(line);
      if (line.includes('"level":"error"')) this.errors++;
    }
    this.log.splice(0, this.log.length - MAX_LINES);
  }
}
