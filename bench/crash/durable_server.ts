import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ControlClient, RefusedError } from "../../src/cli/control/client.ts";
import {
  ConnectError,
  Connection,
  ConnectionLostError,
  type DatagramAddress,
  type StreamAddress,
} from "../../src/client/mod.ts";
import { freePort } from "../support/free_port.ts";
import { ChildProcess } from "../support/child_process.ts";

/** It gets so long to start and to answer, on a machine with much else to do, too; in ms. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const RECORDER = fileURLToPath(new URL("../plugins/recorder.js", import.meta.url));

export interface DurableServerOptions {
  /** mevent's executable; undefined: from source. */
  readonly mevent?: string | undefined;
  /** Variables of its environment beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** It listens on UDP, too, and on a Unix socket where async requests are not answered. */
  readonly fronts?: boolean;
}

/** A plugin of such a server: its module is `recorder`, which notes its runs in {@link DurableServer.runsOf}. */
export interface RecorderConfig {
  readonly name: string;
  /** Its other keys, as TOML: a line each. */
  readonly keys: readonly string[];
}

/**
 * A server in a process of its own that can be killed and started again on what it has left on disk. Its data, config and
 * sockets are in one folder.
 */
export class DurableServer implements AsyncDisposable {
  #process: ChildProcess | undefined;
  /** The reload under way: two of them would write one file. */
  #reloading: Promise<unknown> = Promise.resolve();
  /** The variables of the next process. */
  env: Readonly<Record<string, string>>;
  readonly #udpPort: number;

  private constructor(
    readonly folder: string,
    readonly options: DurableServerOptions,
    public plugins: readonly RecorderConfig[],
    /** Where its journals are. */
    public data: string,
  ) {
    this.env = options.env ?? {};
    this.#udpPort = options.fronts === true ? freePort() : 0;
  }

  /** In a new folder; does not start it. */
  static async create(
    plugins: readonly RecorderConfig[],
    options: DurableServerOptions = {},
  ): Promise<DurableServer> {
    const folder = await Deno.makeTempDir({ prefix: "mevent_durable_" });
    return new DurableServer(folder, options, plugins, `${folder}/data`);
  }

  get unix(): StreamAddress {
    return { transport: "unix", path: `${this.folder}/socket` };
  }

  get udp(): DatagramAddress {
    return { transport: "udp", hostname: "127.0.0.1", port: this.#udpPort };
  }

  /** Whoever sends async requests there gets no answers. */
  get silent(): string {
    return `${this.folder}/silent`;
  }

  /** What it has said last. */
  get said(): string {
    return this.#process?.stderr ?? "";
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** The file in which that plugin notes its runs. */
  runsOf(plugin: string): string {
    return `${this.folder}/${plugin}.runs`;
  }

  /** Starts it and waits until it answers. Throws with its last words where it does not. */
  async start(): Promise<void> {
    this.spawn();
    const process = this.#running();
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        using control = await this.control();
        await control.call({ command: "stats" });
        return;
      } catch (error) {
        // Its sockets come first; whoever has connected is closed where it does not start after all.
        const isEarly = error instanceof ConnectError || error instanceof ConnectionLostError ||
          error instanceof RefusedError;
        if (!isEarly || process.hasEnded || performance.now() > deadline) {
          throw new Error(`the server does not start: ${process.stderr}`, { cause: error });
        }
        await pause(LOOK_EVERY_MS);
      }
    }
  }

  /** Begins to start it. */
  spawn(): void {
    this.writeConfig();
    const { env, options: { mevent } } = this;
    const program = mevent === undefined ? [Deno.execPath(), "run", "-A", "--no-check", MAIN] : [mevent];
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    this.#process = new ChildProcess("env", [
      ...variables,
      ...program,
      "serve",
      "--config",
      `${this.folder}/mevent.toml`,
    ]);
  }

  async connect(): Promise<Connection> {
    return await Connection.connect(this.unix, { timeoutMs: PATIENCE_MS });
  }

  /** A connection to its control socket. */
  async control(): Promise<ControlClient> {
    return await ControlClient.connect({ transport: "unix", path: `${this.folder}/control` }, PATIENCE_MS);
  }

  /** Takes over other keys of one of its plugins while it runs. */
  async reload(control: ControlClient, name: string, keys: readonly string[]): Promise<void> {
    const turn = this.#reloading.then(async () => {
      this.plugins = this.plugins.map((plugin) => plugin.name === name ? { name, keys } : plugin);
      this.writeConfig();
      await control.call({ command: "reload" });
    });
    this.#reloading = turn.catch(() => {});
    await turn;
  }

  /** Ends it as a power cut or the kernel would: nothing of it runs any more when this returns. */
  async kill(): Promise<void> {
    const process = this.#running();
    process.signal("SIGKILL");
    await process.ended();
  }

  /** TERM; returns its exit code. */
  async terminate(): Promise<number> {
    const process = this.#running();
    process.signal("SIGTERM");
    return await process.ended();
  }

  writeConfig(): void {
    const plugins = this.plugins.map(({ name, keys }) =>
      `[[plugin]]
name = "${name}"
module = "${RECORDER}"
${keys.join("\n")}
permissions = { read = ["${this.folder}"], write = ["${this.folder}"] }
config = { runs = "${this.runsOf(name)}" }
`
    );
    const isDurable = this.plugins.some(({ keys }) => keys.some((key) => /^durability.*journal/.test(key)));
    const server = `[server]
tcp = ""
udp = "${this.options.fronts === true ? `127.0.0.1:${this.#udpPort}` : ""}"
unix = "${this.folder}/socket"
control = "${this.folder}/control"
log_level = "error"
drain_timeout = "300ms"
max_log_lines = 100
${isDurable ? `data = "${this.data}"` : ""}
${
      this.options.fronts === true
        ? `[[listener]]
unix = "${this.silent}"
async_reply = false`
        : ""
    }
`;
    Deno.writeTextFileSync(`${this.folder}/mevent.toml`, server + plugins.join(""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  #running(): ChildProcess {
    if (this.#process === undefined || this.#process.hasEnded) {
      throw new Error(`the server does not run: ${this.said}`);
    }
    return this.#process;
  }
}
