import { Connection } from "../client/connection.ts";
import type { PluginConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { Log } from "../observe/log.ts";
import type { CallError, JsonObject, JsonValue } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { moduleUrl } from "./author_config.ts";
import { inspectPlugin } from "./inspect_plugin.ts";
import { PluginServer } from "./plugin_server.ts";
import { testFileUrl } from "./test_file.ts";
import type {
  Figures,
  LogLine,
  OpenedPlugin,
  OpenOptions,
  OperationReport,
  PluginTable,
} from "./testing_types.ts";

/** A call of a test that gets no reply gives up after this, in ms: longer than an operation's time-out is by itself. */
const CALL_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 10_000;
/** How long a module may take to load, in ms. */
const LOAD_TIMEOUT_MS = 30_000;
const VERSION = "test";

/** What `openPlugin` of `mevent/testing` does. */
export async function openPlugin(module: string | URL, options: OpenOptions = {}): Promise<OpenedPlugin> {
  const { others = [], server: given = {}, ...table } = options;
  const tables = await Promise.all(
    [{ expose_trace: true, results: { keep: "1h" }, ...table, module }, ...others].map(named),
  );
  const { server, plugins } = loadConfig({
    file: "openPlugin",
    document: { server: { drain_timeout: "1s", ...given }, plugin: tables },
    env: {},
    flags: { tcp: [], udp: [], unix: [] },
  });
  const lines: LogLine[] = [];
  const log = new Log({
    level: "debug",
    format: "json",
    colour: false,
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => new Date(),
  });
  const running = await PluginServer.start({ plugins, server, log, version: VERSION });
  try {
    const address = { transport: "unix", path: running.socket } as const;
    const client = await Connection.connect(address, {
      timeoutMs: CALL_TIMEOUT_MS,
      maxFrame: server.maxFrame,
    });
    return new OpenPluginServer(plugins[0]!, running, client, lines);
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

/** The table with its module as a URL, and with the module's own name where the test gives it none. */
async function named({ module, ...table }: PluginTable & { readonly module: string | URL }) {
  const url = module instanceof URL ? module.href : moduleUrl(module, testFileUrl());
  if (table.name !== undefined) return { ...table, module: url };
  const { plugin, problems } = await inspectPlugin(url, { config: table.config ?? {} }, LOAD_TIMEOUT_MS);
  if (plugin === null) throw new Error(`the plugin does not load: ${problems.join("\n")}`);
  return { ...table, name: plugin.name, module: url };
}

class OpenPluginServer implements OpenedPlugin {
  readonly cache: OpenedPlugin["cache"];

  constructor(
    config: PluginConfig,
    readonly running: PluginServer,
    readonly client: Connection,
    readonly log: readonly LogLine[],
  ) {
    this.name = config.name;
    this.cache = {
      get: async (cachekey) => {
        const { code, value } = await this.client.request(this.name, 100, { cachekey });
        if (code === ReplyCode.CacheMiss) return undefined;
        return String(valueOf(code, value, "cacheval"));
      },
      set: async (cachekey, cacheval, expire = 0) =>
        void await this.call(101, { cachekey, cacheval, expire }),
      delete: async (cachekey) => {
        const wasThere = await this.cache.get(cachekey) !== undefined;
        await this.call(102, { cachekey });
        return wasThere;
      },
      clear: async () => void await this.call(103),
    };
  }

  readonly name: string;

  get biz(): number | undefined {
    return this.#routed.biz;
  }

  async call(command: number | string, params: JsonObject = {}): Promise<JsonValue | undefined> {
    return await this.#send(command, params, true);
  }

  async enqueue(command: number | string, params: JsonObject = {}): Promise<string> {
    return String(child(await this.#send(command, params, false), "id"));
  }

  async operation(id: string, waitMs = 0): Promise<OperationReport> {
    const { code, value } = await this.client.request("Reserve.Result", 1, { id, wait: waitMs / 1000 }, {
      timeoutMs: waitMs + CALL_TIMEOUT_MS,
    });
    return valueOf(code, value) as unknown as OperationReport;
  }

  async idle(timeoutMs = IDLE_TIMEOUT_MS): Promise<void> {
    if (await this.running.idle(timeoutMs)) return;
    throw new Error(`${this.running.pending} operations are not done after ${timeoutMs} ms`);
  }

  stats(): Figures {
    return this.#routed.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.running[Symbol.asyncDispose]();
  }

  get #routed() {
    return this.running.server.registry.plugins.find(({ name }) => name === this.name)!;
  }

  async #send(command: number | string, params: JsonObject, sync: boolean): Promise<JsonValue | undefined> {
    const number = typeof command === "number" ? command : this.#numberOf(command);
    const { code, value } = await this.client.request(this.name, number, params, { sync, wantsId: true });
    return valueOf(code, value);
  }

  #numberOf(name: string): number {
    const commands = this.#routed.pool.declaration?.commands ?? [];
    const command = commands.find((each) => each.name === name);
    if (command !== undefined) return command.number;
    const names = commands.map((each) => each.name).join(", ");
    throw new TypeError(
      `plugin ${this.name} has no command ${JSON.stringify(name)}; it has ${names || "none"}`,
    );
  }
}

/** The result, or its part of that name. Throws the error that an error reply tells, as {@link CallError}. */
function valueOf(code: number, value: JsonValue | undefined, key?: string): JsonValue | undefined {
  if (code >= ReplyCode.Ok) return key === undefined ? value : child(value, key);
  const output = child(value, "Output");
  const [message, trace] = [child(output, "errmsg"), child(output, "errtrace")];
  throw callError(code, typeof message === "string" ? message : `the reply has the code ${code}`, trace);
}

/** @param trace where the plugin has thrown it, where that is known */
function callError(code: number, message: string, trace: JsonValue | undefined): CallError {
  const error = Object.assign(new Error(message), { name: "CallError" as const, code });
  if (typeof trace === "string") error.stack = `${error.stack}\nin the plugin: ${trace}`;
  return error;
}

function child(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value[key] : undefined;
}
