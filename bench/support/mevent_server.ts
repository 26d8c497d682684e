import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChildProcess, onceReady } from "./child_process.ts";
import { freePort } from "./free_port.ts";

/** What a server says when its plugins are there; its port is open before. */
export const READY = "and holds the plugins";

/** The plugins that every server of a bench runs: `echo` as it comes, a stuck `gate`, `steady`, and `skeleton`. */
const CONFIG = `
[server]
unix = ""
drain_timeout = "0s"
max_queue_bytes = "8 GiB"
max_connections = 19_000
max_connections_per_address = 0
log_level = "warn"

[[plugin]]
name = "skeleton"
module = "builtin:skeleton"

[[plugin]]
name = "echo"
module = "builtin:echo"
queue = { max_ops = 50_000_000, max_bytes = "6 GiB" }

[[plugin]]
name = "gate"
biz = 50
module = "GATE"
timeout = "1h"
queue = { max_ops = 50_000_000, max_bytes = "6 GiB" }

[[plugin]]
name = "full"
biz = 51
module = "GATE"
timeout = "1h"
queue = { max_ops = 1_000 }

[[plugin]]
name = "steady"
biz = 52
module = "STEADY"
queue = { max_ops = 2_000_000, max_bytes = "1 GiB" }
concurrency = 256
`;

/** A server in an executable of its own, on a free port of the loopback, TCP and UDP. */
export class MeventServer implements AsyncDisposable {
  private constructor(readonly process: ChildProcess, readonly port: number, readonly folder: string) {}

  /** Starts it and waits until it holds its plugins; `more` goes below the config, `server` into its part `[server]`, a path in it to the folder. */
  static async start(program: string, more = "", server = ""): Promise<MeventServer> {
    const folder = await Deno.makeTempDir();
    const config = join(folder, "bench.toml");
    const plugin = (name: string) => fileURLToPath(new URL(`../plugins/${name}.js`, import.meta.url));
    const toml = CONFIG.replaceAll("GATE", plugin("gate")).replaceAll("STEADY", plugin("steady"));
    await Deno.writeTextFile(config, toml.replace("[server]", `[server]\n${server}`) + more);
    const port = freePort();
    const address = `127.0.0.1:${port}`;
    const process = new ChildProcess(program, [
      "serve",
      "--config",
      config,
      "--listen",
      address,
      "--udp",
      address,
    ]);
    return await onceReady(new MeventServer(process, port, folder), process.says(READY));
  }

  get pid(): number {
    return this.process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
