import type { Config, PluginConfig } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { PluginStats, ServerStats } from "../../src/observe/server_stats.ts";
import type { ReloadReport } from "../../src/control/reload_report.ts";
import type { ServerOptions } from "../../src/server/server_options.ts";
import { Server } from "../../src/server/server.ts";
import { Nursery } from "../../src/thread/nursery.ts";
import { RawConnection } from "./raw_connection.ts";
import { RawControl } from "./raw_control.ts";
import { RawDatagrams } from "./raw_datagrams.ts";
import { until } from "./until.ts";
import { testLog } from "./test_log.ts";

// One server after the other: what starts their threads is started once.
Nursery.kept = 1;

/** What a test says of a plugin; the rest is as in a config file that does not say it. */
export type PluginOverrides = Partial<Omit<PluginConfig, "name">> & {
  readonly name: string;
  /** The module's text; it is written to a file of its own. */
  readonly source?: string;
};

export interface TestServerOptions {
  /** Keys of `[server]` as in the file. */
  readonly server?: Readonly<Record<string, unknown>>;
  /** Further tables of the file: `listener`, `token`, `certificate`. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Without it: echo alone, as a server without a config has it. */
  readonly plugins?: readonly PluginOverrides[];
  /** With Deno's own sockets instead of epoll. */
  readonly portableSockets?: boolean;
  /** With a control socket, at {@link TestServer.controlPath}. */
  readonly control?: boolean;
  /** For how long a module may be loaded beside others, in ms. */
  readonly surveyMs?: number;
  /** Aborted where it is to stop while it starts. */
  readonly stop?: AbortSignal;
  /** Told each line of the log. */
  readonly told?: (line: string) => void;
  /** What the server sees of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly page?: NonNullable<ServerOptions["page"]>;
  /** What it says that it is. */
  readonly version?: string;
  /** In place of the journals' thread. */
  readonly journalThread?: NonNullable<ServerOptions["journalThread"]>;
}

/** The real server, in this process, on ports the system chose and a Unix socket in a directory of its own. */
export class TestServer implements AsyncDisposable {
  private constructor(
    readonly server: Server,
    readonly directory: string,
    /** What was logged. */
    readonly log: readonly string[],
  ) {}

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
    const lines: string[] = [];
    const {
      portableSockets = false,
      env = {},
      told = () => {},
      surveyMs,
      stop = new AbortController().signal,
    } = options;
    const log = testLog("debug", (line) => {
      lines.push(line);
      told(line);
    });
    try {
      const config = await testConfig(directory, options);
      const { journalThread, page } = options;
      const parts = {
        ...journalThread === undefined ? {} : { journalThread },
        ...page === undefined ? {} : { page },
      };
      const server = await Server.start({
        config,
        log,
        version: options.version ?? "test",
        portableSockets,
        env,
        surveyMs,
        stop,
        ...parts,
      });
      return new TestServer(server, directory, lines);
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Takes over another config; what is not said is as at a start. */
  async reload(options: TestServerOptions): Promise<ReloadReport> {
    return await this.server.reload(await testConfig(this.directory, options));
  }

  get tcp(): Deno.NetAddr {
    const address = this.server.streams[0]!.address;
    if (address.transport !== "tcp") throw new Error("the first listener is not the one for TCP");
    return address;
  }

  get udp(): Deno.NetAddr {
    return this.server.datagrams[0]!.address;
  }

  /** Where the HTTP listener is that `http: "127.0.0.1:0"` asks for. */
  get http(): Deno.NetAddr {
    const streams = this.server.streams;
    return streams[streams.length - 1]!.address as Deno.NetAddr;
  }

  get httpUrl(): string {
    return `http://${this.http.hostname}:${this.http.port}`;
  }

  get unix(): string {
    return `${this.directory}/mevent.sock`;
  }

  get controlPath(): string {
    return `${this.directory}/control.sock`;
  }

  /** A connection to the control socket. */
  async control(): Promise<RawControl> {
    return new RawControl(await Deno.connect({ transport: "unix", path: this.controlPath }));
  }

  async connect(): Promise<RawConnection> {
    const socket = await Deno.connect({ hostname: this.tcp.hostname, port: this.tcp.port });
    socket.setNoDelay(true);
    return new RawConnection(socket);
  }

  async connectUnix(): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ transport: "unix", path: this.unix }));
  }

  datagrams(): RawDatagrams {
    return new RawDatagrams(this.udp);
  }

  stats(): ServerStats {
    return this.server.stats();
  }

  plugin(name: string): PluginStats {
    const named = (each: { readonly name: string }) => each.name === name;
    // One that is served is asked alone: the server's own figures take 40 times as long, for the system has some of them.
    const plugin = this.server.registry.plugins.find(named)?.stats() ?? this.stats().plugins.find(named);
    if (plugin === undefined) throw new Error(`the server has no plugin ${name}`);
    return plugin;
  }

  /** Waits until the server's figures say so. */
  until(what: string, condition: (server: TestServer) => boolean): Promise<void> {
    return until(what, () => condition(this));
  }
}

async function testConfig(directory: string, options: TestServerOptions): Promise<Config> {
  const flags = {
    tcp: "127.0.0.1:0",
    udp: "127.0.0.1:0",
    unix: `${directory}/mevent.sock`,
    drain_timeout: "1s",
    control: options.control === true ? `${directory}/control.sock` : "none",
    ...options.server,
  };
  const config = loadConfig({ env: {}, flags, document: options.file ?? {} });
  if (options.plugins === undefined) {
    const plugins = config.plugins.filter(({ name }) => name === "echo");
    return { ...config, plugins: plugins.map((plugin) => ({ ...plugin, minWorkers: "all" })) };
  }
  const template = config.plugins[0]!;
  const plugins: PluginConfig[] = [];
  for (const { source, ...overrides } of options.plugins) {
    let module = `builtin:${overrides.name}`;
    if (source !== undefined) {
      const path = `${directory}/${overrides.name}.ts`;
      if (await textOf(path) !== source) await Deno.writeTextFile(path, source);
      module = new URL(`file://${path}`).href;
    }
    // Those of a test are there from its start, if it does not say otherwise.
    plugins.push({ ...template, minWorkers: "all", workerIdle: 0, biz: undefined, module, ...overrides });
  }
  return { ...config, plugins };
}

/** The file's text, or undefined where there is none. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
