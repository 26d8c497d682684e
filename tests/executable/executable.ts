import { Connection } from "../../src/client/mod.ts";
import { until } from "../support/until.ts";

/** The executable that is tried: MEVENT, else the one that `deno task compile` makes. */
export const EXECUTABLE = Deno.env.get("MEVENT") ?? new URL("../../dist/mevent", import.meta.url).pathname;

/** Whether there is none; said once, as a skipped test is easily overlooked. */
export const isMissing = !isFile(EXECUTABLE);
if (isMissing) console.error(`SKIPPED: there is no executable ${EXECUTABLE}; ./denow task compile makes it`);

/** Registers a test that needs the executable. */
export function executableTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `executable: ${name}`, ignore: isMissing, fn: run });
}

/** An empty folder of its own with the given files. */
export class Workplace implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(files: Readonly<Record<string, string>>): Promise<Workplace> {
    const place = new Workplace(await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-test-" })));
    for (const [name, text] of Object.entries(files)) await place.write(name, text);
    return place;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${name}`, text);
  }

  /** Runs a command to its end; nothing of this environment reaches it. */
  async run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code, stdout, stderr } = await this.#command(args).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Starts a server with `mevent.toml`, by way of another program where one is given. */
  serve(...by: string[]): Promise<ServedExecutable> {
    const [program, ...args] = [...by, EXECUTABLE, "serve", "--config", "mevent.toml", ...this.listen];
    return ServedExecutable.start(this, this.#command(args, program));
  }

  /** Flags of a server that listens in this folder alone. */
  get listen(): string[] {
    return ["--no-tcp", "--no-udp", "--unix", `${this.path}/mevent.sock`];
  }

  #command(args: string[], program = EXECUTABLE): Deno.Command {
    return new Deno.Command(program, {
      args,
      cwd: this.path,
      clearEnv: true,
      env: { TMPDIR: this.path, NO_COLOR: "1", PATH: "/usr/bin:/bin" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

export class ServedExecutable implements AsyncDisposable {
  /** What it has logged so far. */
  stderr = "";
  #stdout = "";
  readonly #read: Promise<unknown>;

  private constructor(readonly place: Workplace, readonly child: Deno.ChildProcess) {
    const collect = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
    };
    this.#read = Promise.all([
      collect(child.stderr, (text) => this.stderr += text),
      collect(child.stdout, (text) => this.#stdout += text),
    ]);
  }

  static async start(place: Workplace, command: Deno.Command): Promise<ServedExecutable> {
    const served = new ServedExecutable(place, command.spawn());
    let isOver = false;
    served.child.status.then(() => isOver = true);
    await until(
      `it serves: ${served.stderr}`,
      () => isOver || served.#stdout.includes("mevent stats"),
      30_000,
    );
    if (isOver) throw new Error(served.stderr);
    return served;
  }

  /** Where it listens for HTTP, as its banner says. */
  get httpUrl(): string {
    const [, address] = /^ +http (\S+)$/m.exec(this.#stdout) ?? [];
    if (address === undefined) throw new Error(`it does not listen for HTTP: ${this.#stdout}`);
    return `http://${address}`;
  }

  connect(): Promise<Connection> {
    return Connection.connect({ transport: "unix", path: `${this.place.path}/mevent.sock` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch (error) {
      // The test has killed it.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.child.status;
    await this.#read;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
