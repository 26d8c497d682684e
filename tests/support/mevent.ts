import type { Io } from "../../src/cli/io.ts";
import { run } from "../../src/cli/run.ts";
import { VERSION } from "../../src/cli/version.ts";
import { loadConfig } from "../../src/config/load.ts";
import { Log } from "../../src/observe/log.ts";
import { Server } from "../../src/server/server.ts";
import { Nursery } from "../../src/thread/nursery.ts";

// One server after the other: what starts their threads is started once.
Nursery.kept = 1;

/** A config file of two plugins, those of a server without a config. */
export const TWO_PLUGINS =
  '[[plugin]]\nname = "skeleton"\nmodule = "builtin:skeleton"\n[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n';

/** What a command did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs mevent in this process and collects what it writes. */
export async function mevent(
  argv: string[],
  given: { stdin?: string; isTerminal?: boolean; env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const { stdin = "", isTerminal = false, env = {} } = given;
  let stdout = "";
  let stderr = "";
  const io: Io = {
    stdout: { isTerminal, write: (data) => Promise.resolve(void (stdout += textOf(data))) },
    stderr: { isTerminal, write: (data) => Promise.resolve(void (stderr += textOf(data))) },
    stdin: ReadableStream.from([new TextEncoder().encode(stdin)]),
    isStdinTerminal: isTerminal,
    noColor: true,
    env,
  };
  return { code: await run(argv, io), stdout, stderr };
}

/** Bytes as they are: one that begins with a BOM keeps it. */
function textOf(data: string | Uint8Array): string {
  return typeof data === "string" ? data : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
}

/** A real server on free ports of this machine, with the built-in echo where the config names no plugins. */
export class TestServer implements AsyncDisposable {
  private constructor(readonly server: Server, readonly directory: string) {}

  /** `toml` is the config file's text; `port` a TCP port to take. */
  static async start(toml = "", port = 0): Promise<TestServer> {
    const directory = await Deno.makeTempDir();
    const file = `${directory}/config.toml`;
    await Deno.writeTextFile(file, toml);
    const flags = {
      tcp: [`127.0.0.1:${port}`],
      udp: ["127.0.0.1:0"],
      unix: [`${directory}/socket`],
      control: `${directory}/control`,
    };
    const loaded = loadConfig({ file, env: {}, flags });
    const config = /^\[\[plugin\]\]|^plugin\b/m.test(toml)
      ? loaded
      : { ...loaded, plugins: loaded.plugins.filter(({ name }) => name === "echo") };
    const log = new Log({
      level: "error",
      format: "text",
      colour: false,
      write: (line) => console.error(line),
      clock: () => new Date(),
    });
    return new TestServer(await Server.start({ config, log, version: VERSION }), directory);
  }

  get tcpPort(): number {
    for (const { address } of this.server.streams) if (address.transport === "tcp") return address.port;
    throw new Error("the server has no TCP listener");
  }

  get udpPort(): number {
    const [listener] = this.server.datagrams;
    if (listener === undefined) throw new Error("the server has no UDP listener");
    return listener.address.port;
  }

  get unixPath(): string {
    return `${this.directory}/socket`;
  }

  get controlPath(): string {
    return `${this.directory}/control`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** A mevent in a process of its own, for what only a process can do: signals. */
export class MeventProcess {
  readonly child: Deno.ChildProcess;
  readonly #logged: Promise<void>;
  readonly #decoder = new TextDecoder();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  stdout = "";
  /** What it has written there so far. */
  stderr = "";

  constructor(...argv: string[]) {
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", ...argv],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reader = this.child.stdout.getReader();
    this.#logged = this.#collect();
  }

  /** Reads on until stdout holds a text that fits; throws where it ends before. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (!await this.#read()) {
        await this.#logged;
        throw new Error(`stdout ended before ${pattern}: ${this.stdout}\n${this.stderr}`);
      }
    }
  }

  async end(): Promise<Outcome> {
    while (await this.#read());
    await this.#logged;
    const { code } = await this.child.status;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  async #collect(): Promise<void> {
    for await (const text of this.child.stderr.pipeThrough(new TextDecoderStream())) this.stderr += text;
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    this.stdout += this.#decoder.decode(value, { stream: !done });
    return !done;
  }
}
