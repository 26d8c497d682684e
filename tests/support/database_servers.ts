import { MysqlDatabase } from "../../plugins/sql/mysql.ts";
import { PostgresDatabase } from "../../plugins/sql/postgres.ts";
import type { Database, Session } from "../../plugins/sql/database.ts";

/** A server gets so long to start, in ms. */
const START_MS = 60_000;
/** After it was asked to stop it gets so long before it is killed, in ms. */
const STOP_MS = 20_000;
const LOOK_EVERY_MS = 20;
/** What is kept of what a server says, in characters. */
const MAX_SAID_CHARS = 20_000;
/** Database servers refuse to be root. */
const NOBODY = 65_534;
const AS_USER = Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const PASSWORD = "s3cret&more";

const POSTGRES_FOLDER = await postgresFolder();
/** Whether PostgreSQL can be started here: what needs it is skipped otherwise. */
export const HAS_POSTGRES = POSTGRES_FOLDER !== undefined;
export const POSTGRES_NOTE = HAS_POSTGRES ? "" : " (skipped: there is no PostgreSQL here)";
/** Whether PostgreSQL can speak German here: its own translation, and what makes the system's locale. */
export const HAS_GERMAN = HAS_POSTGRES && await exists("/usr/bin/localedef") &&
  await exists("/usr/share/i18n/locales/de_DE") && await speaksGerman();
export const GERMAN = "de_DE";
/** The server takes its messages from the locale, and their encoding from the database: of the rest the smallest will do. */
const GERMAN_SOURCE = [
  ...["CTYPE", "NUMERIC", "TIME", "COLLATE", "MONETARY"].map((name) => [name, "POSIX"]),
  ...["MESSAGES", "PAPER", "NAME", "ADDRESS", "TELEPHONE", "MEASUREMENT", "IDENTIFICATION"]
    .map((name) => [name, "de_DE"]),
].map(([name, from]) => `LC_${name}\ncopy "${from}"\nEND LC_${name}\n`).join("");
export const GERMAN_NOTE = HAS_GERMAN ? "" : " (skipped: there is no German locale here)";
/** The same for MariaDB. */
export const HAS_MARIADB = await exists("/usr/sbin/mariadbd") && await exists("/usr/bin/mariadb-install-db");
export const MARIADB_NOTE = HAS_MARIADB ? "" : " (skipped: there is no MariaDB here)";

/** How a kind of server is made, started and reached. */
interface Kind {
  readonly scheme: string;
  /** What makes its data directory. */
  install(folder: string): Promise<void>;
  /** Its environment, beside that of the test. */
  environment?(folder: string): Record<string, string>;
  /** The program and its arguments. */
  command(folder: string, port: number): readonly [string, ...string[]];
  /** Further arguments: what is committed outlives the process, but not the machine; without them it outlives that, too. */
  readonly hasty: readonly string[];
  /** Ends it in order, and at once. */
  readonly signals: { readonly stop: Deno.Signal; readonly crash: Deno.Signal };
  /** Once it runs for the first time. */
  setUp(folder: string, port: number): Promise<void>;
  database(port: number): Database;
}

/** A database server of this machine, in a temporary folder and on a free port, with one user and one database. */
export class DatabaseServer implements AsyncDisposable {
  #child: Deno.ChildProcess | null = null;
  #reading: Promise<void> = Promise.resolve();
  #said = "";
  #session: Promise<Session> | null = null;

  private constructor(
    readonly kind: Kind,
    readonly isDurable: boolean,
    readonly folder: string,
    readonly port: number,
  ) {}

  /** @param isDurable with the disk synced at each commit, which tests do not need */
  static postgres(isDurable = false): Promise<DatabaseServer> {
    return DatabaseServer.#start(POSTGRES, isDurable);
  }

  static mariadb(isDurable = false): Promise<DatabaseServer> {
    return DatabaseServer.#start(MARIADB, isDurable);
  }

  static async #start(kind: Kind, isDurable: boolean): Promise<DatabaseServer> {
    const folder = await Deno.makeTempDir({ prefix: "mevent_db_" });
    const server = new DatabaseServer(kind, isDurable, folder, freePort());
    try {
      if (AS_USER.uid !== undefined) await Deno.chown(folder, AS_USER.uid, AS_USER.gid);
      await kind.install(folder);
      server.#spawn();
      await server.#reachable(() => kind.setUp(folder, server.port));
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** For the plugin, with the password. */
  get url(): string {
    return this.urlAt(this.port);
  }

  /** The same through something that listens elsewhere. */
  urlAt(port: number): string {
    return `${this.kind.scheme}://tester:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/test`;
  }

  /** A connection of the test's own. */
  connect(): Promise<Session> {
    return this.kind.database(this.port).open();
  }

  /** Runs SQL, one statement each. */
  async run(...texts: string[]): Promise<void> {
    for (const text of texts) await this.#ask(text);
  }

  /** The number that a SELECT answers. */
  async number(text: string): Promise<number> {
    return await this.#ask(text) ?? NaN;
  }

  /** By one connection, which is kept: each costs more than what is asked. */
  async #ask(text: string): Promise<number | null> {
    this.#session ??= this.connect();
    return await (await this.#session).ledger(text, []);
  }

  /** Ends it; `start` starts it again with its data. */
  async stop(how: "stop" | "crash" = "stop"): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const session = this.#session;
    this.#session = null;
    await (await session)?.close();
    child.kill(this.kind.signals[how]);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await child.status;
    clearTimeout(timer);
    await this.#reading;
  }

  async start(): Promise<void> {
    this.#spawn();
    await this.#reachable(async () => (await this.connect()).close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  #spawn(): void {
    const [program, ...args] = this.kind.command(this.folder, this.port);
    const child = new Deno.Command(program, {
      args: this.isDurable ? args : [...args, ...this.kind.hasty],
      cwd: this.folder,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      env: this.kind.environment?.(this.folder) ?? {},
      ...AS_USER,
    }).spawn();
    this.#child = child;
    this.#reading = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        this.#said = (this.#said + text).slice(-MAX_SAID_CHARS);
      }
    })();
  }

  async #reachable(attempt: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (performance.now() > deadline) {
          throw new Error(`the database server cannot be reached: ${error}; it said: ${this.#said}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

const POSTGRES: Kind = {
  hasty: [
    ...["fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "shared_buffers=16MB"],
    ...["autovacuum=off", "max_logical_replication_workers=0", "jit=off"],
  ].flatMap((setting) => ["-c", setting]),
  scheme: "postgres",
  signals: { stop: "SIGINT", crash: "SIGQUIT" },
  async install(folder) {
    await Deno.writeTextFile(`${folder}/password`, PASSWORD);
    if (AS_USER.uid !== undefined) await Deno.chown(`${folder}/password`, AS_USER.uid, AS_USER.gid);
    await output(`${POSTGRES_FOLDER}/initdb`, [
      "--no-sync",
      `--pgdata=${folder}/data`,
      "--username=tester",
      `--pwfile=${folder}/password`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
    ]);
    if (HAS_GERMAN) {
      await Deno.mkdir(`${folder}/locales`);
      await Deno.writeTextFile(`${folder}/german`, GERMAN_SOURCE);
      const made = `${folder}/locales/${GERMAN}`;
      await output("/usr/bin/localedef", ["-i", `${folder}/german`, "-f", "ANSI_X3.4-1968", made], {});
    }
  },
  environment: (folder) => HAS_GERMAN ? { LOCPATH: `${folder}/locales` } : {},
  command: (folder, port) => [
    `${POSTGRES_FOLDER}/postgres`,
    "-D",
    `${folder}/data`,
    "-k",
    folder,
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "deadlock_timeout=200ms",
    "-p",
    String(port),
  ],
  async setUp(_folder, port) {
    const session = await postgresAt(port, "postgres").open();
    try {
      if (await session.ledger("SELECT count(*) FROM pg_database WHERE datname = 'test'", []) === 0) {
        await session.ledger("CREATE DATABASE test", []);
      }
    } finally {
      await session.close();
    }
  },
  database: (port) => postgresAt(port, "test"),
};

const MARIADB: Kind = {
  hasty: ["--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0"],
  scheme: "mariadb",
  signals: { stop: "SIGTERM", crash: "SIGKILL" },
  async install(folder) {
    await output("/usr/bin/mariadb-install-db", [
      "--no-defaults",
      `--datadir=${folder}/data`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ]);
  },
  command: (folder, port) => [
    "/usr/sbin/mariadbd",
    "--no-defaults",
    `--datadir=${folder}/data`,
    `--socket=${folder}/socket`,
    `--pid-file=${folder}/pid`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    "--innodb-buffer-pool-size=32M",
    "--skip-name-resolve",
  ],
  async setUp(folder) {
    await output("/usr/bin/mariadb", [
      "--no-defaults",
      "--user=root",
      `--socket=${folder}/socket`,
      "--execute",
      `CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4; CREATE USER IF NOT EXISTS tester@'%' IDENTIFIED BY '${PASSWORD}'; ` +
      "GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION",
    ]);
  },
  database: (port) => new MysqlDatabase({ ...addressAt(port), place: "the test's MariaDB" }),
};

function postgresAt(port: number, database: string): Database {
  return new PostgresDatabase({ ...addressAt(port), database, place: "the test's PostgreSQL" });
}

function addressAt(port: number) {
  return {
    host: "127.0.0.1",
    port,
    socket: undefined,
    user: "tester",
    password: PASSWORD,
    database: "test",
    tls: undefined,
    connectTimeout: 5000,
  };
}

async function output(program: string, args: string[], user = AS_USER): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(program, { args, cwd: "/", ...user })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} failed: ${text(stderr)}${text(stdout)}`);
}

/** Where Debian has the newest PostgreSQL: its programs are not in the PATH. */
async function postgresFolder(): Promise<string | undefined> {
  const versions: number[] = [];
  try {
    for await (const { name } of Deno.readDir("/usr/lib/postgresql")) {
      if (await exists(`/usr/lib/postgresql/${name}/bin/initdb`)) versions.push(Number(name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return versions.length === 0 ? undefined : `/usr/lib/postgresql/${Math.max(...versions)}/bin`;
}

/** Debian names the translations of a server after its version. */
async function speaksGerman(): Promise<boolean> {
  const version = /postgresql\/(\d+)\//.exec(POSTGRES_FOLDER ?? "")?.[1];
  return await exists(`/usr/share/locale/de/LC_MESSAGES/postgres-${version}.mo`);
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
