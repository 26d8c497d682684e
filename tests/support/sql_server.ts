import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Catalogue } from "../../plugins/sql/catalogue.ts";
import { Link } from "../../plugins/sql/link.ts";
import { readSettings } from "../../plugins/sql/settings.ts";
import { Connection } from "../../src/client/mod.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { CuttingProxy } from "./cutting_proxy.ts";
import { type PluginOverrides, TestServer } from "./test_server.ts";
import { until } from "./until.ts";

/** Database servers share the machine with all other tests. */
export const PATIENCE_MS = 120_000;
export const CALL_MS = 60_000;
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Of `[server]`: it is called by its Unix socket alone. */
export const KEYS: JsonObject = { max_frame: MAX_FRAME_BYTES, tcp: [], udp: [] };

/** What the tests of the plugin share: the table `visits`, which has no key that would hide a duplicate. */
export const VISITS = "CREATE TABLE visits (uid bigint NOT NULL, name varchar(20))";

/** A server with the plugin `sql` alone. */
export class SqlServer implements AsyncDisposable {
  private constructor(readonly server: TestServer, readonly client: Connection) {}

  /** @param keys of `[server]` */
  static async start(
    config: JsonObject,
    plugin: Partial<PluginOverrides> = {},
    keys: JsonObject = {},
  ): Promise<SqlServer> {
    const server = await TestServer.start({
      server: { ...KEYS, ...keys },
      plugins: [{ name: "sql", config, ...plugin }],
    });
    try {
      const client = await Connection.connect({ transport: "unix", path: server.unix }, {
        timeoutMs: CALL_MS,
        maxFrame: MAX_FRAME_BYTES,
      });
      return new SqlServer(server, client);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the caller is answered: the value, or the code and the sentence of an error. */
  async call(command: number, params: JsonValue): Promise<JsonValue | undefined> {
    const { code, value } = await this.client.request("sql", command, params);
    if (code === 1000) return value;
    const { Output: { errmsg } } = value as { Output: { errmsg: string } };
    return { code, errmsg };
  }

  /** An async operation; throws where it is not queued. */
  async enqueue(command: number, params: JsonValue): Promise<void> {
    const { code } = await this.client.request("sql", command, params, { sync: false });
    assertEquals(code, 1000);
  }

  insertVisits(from: number, count: number): Promise<void[]> {
    return Promise.all(
      Array.from(
        { length: count },
        (_, index) => this.enqueue(1001, { table: "visits", row: { uid: from + index, name: "Ann" } }),
      ),
    );
  }

  /** Waits until no operation is queued, runs or waits for another attempt. */
  async settled(): Promise<void> {
    await until("all operations have ended", () => {
      const { accepted, done, failed, expired, cancelled } = this.server.plugin("sql");
      return accepted === done + failed + expired + cancelled;
    }, PATIENCE_MS);
  }

  /** Waits until the plugin has told so much of a figure of its own. */
  async counted(name: string, least: number): Promise<void> {
    await until(
      `${name} is ${least}`,
      () => (this.server.plugin("sql").counters[name] ?? 0) >= least,
      PATIENCE_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

/** What may be reached of a database on that port. */
export function onlyPort(port: number): Partial<PluginOverrides> {
  const none = { read: false, write: false, env: false, run: false, sys: false, ffi: false, import: false };
  return { permissions: { ...none, net: [`127.0.0.1:${port}`] } };
}

/** The plugin beside a proxy that is to be its only way to the database. */
export function startThrough(
  proxy: CuttingProxy,
  config: JsonObject,
  plugin: Partial<PluginOverrides> = {},
): Promise<SqlServer> {
  const url = String(config["url"]).replace(/:\d+\/test$/, `:${proxy.port}/test`);
  return SqlServer.start({ ...config, url }, { ...onlyPort(proxy.port), ...plugin });
}

/** A config that keeps a server from starting, with the sentence and without the password. */
export async function assertRefused(
  config: JsonObject,
  plugin: Partial<PluginOverrides>,
  sentence: string,
): Promise<void> {
  const error = await assertRejects(() => SqlServer.start(config, plugin), Error);
  assertTold(error, sentence);
}

/** The same of what the plugin does for it, in this very thread: for the further members of a kind. */
export async function assertUnfit(config: JsonObject, sentence: string): Promise<void> {
  const error = await assertRejects(async () => {
    const settings = readSettings(config);
    const link = new Link(settings.database, { lost() {}, reconnected() {} });
    try {
      await Catalogue.load(await link.open(() => Promise.resolve()), settings);
    } finally {
      await link.close();
    }
  }, Error);
  assertTold(error, sentence);
}

function assertTold({ message }: Error, sentence: string): void {
  assertStringIncludes(message, sentence);
  assert(!message.includes("s3cret"), message);
}
