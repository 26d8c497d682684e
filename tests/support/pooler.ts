import type { DatabaseServer } from "./database_servers.ts";
import { until } from "./until.ts";

const PROGRAM = "/usr/sbin/pgbouncer";
/** Whether PgBouncer can be started here: what needs it is skipped otherwise. */
export const HAS_POOLER = await Deno.stat(PROGRAM).then(({ isFile }) => isFile, () => false);
export const POOLER_NOTE = HAS_POOLER ? "" : " (skipped: there is no PgBouncer here)";
const START_MS = 60_000;
/** It refuses to be root. */
const NOBODY = 65_534;
const AS_USER = Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** PgBouncer before a PostgreSQL server, on a free port. */
export class Pooler implements AsyncDisposable {
  private constructor(readonly child: Deno.ChildProcess, readonly port: number, readonly folder: string) {}

  /** @param poolSize connections to the server */
  static async start(
    database: DatabaseServer,
    mode: "transaction" | "session" | "statement",
    poolSize: number,
  ): Promise<Pooler> {
    const folder = await Deno.makeTempDir({ prefix: "mevent_pooler_" });
    const { username, password } = new URL(database.url);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    await Deno.writeTextFile(`${folder}/users`, `"${username}" "${decodeURIComponent(password)}"\n`);
    await Deno.writeTextFile(
      `${folder}/ini`,
      `[databases]
test = host=127.0.0.1 port=${database.port} dbname=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users
pool_mode = ${mode}
default_pool_size = ${poolSize}
`,
    );
    if (AS_USER.uid !== undefined) {
      for (const path of ["", "/users", "/ini"]) await Deno.chown(folder + path, AS_USER.uid, AS_USER.gid);
    }
    const child = new Deno.Command(PROGRAM, {
      args: ["--quiet", `${folder}/ini`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...AS_USER,
    }).spawn();
    const pooler = new Pooler(child, port, folder);
    try {
      await until("PgBouncer listens", async () => {
        try {
          (await Deno.connect({ hostname: "127.0.0.1", port })).close();
          return true;
        } catch {
          return false;
        }
      }, START_MS);
    } catch (error) {
      await pooler[Symbol.asyncDispose]();
      throw error;
    }
    return pooler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}
