/** A program gets so long to be ready, in ms. */
const START_MS = 10_000;
/** Between two looks whether it is, in ms. */
const LOOK_EVERY_MS = 10;
/** After TERM a program gets so long before it is killed, in ms. */
const STOP_MS = 3000;
/** What is kept of what a program says, in characters. */
const MAX_SAID_CHARS = 4000;

/** What runs a program, once that is ready; it is disposed of where that fails. */
export async function onceReady<T extends AsyncDisposable>(server: T, ready: Promise<void>): Promise<T> {
  try {
    await ready;
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** A program that a bench started, and ends by its pid. */
export class ChildProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  /** The last of what it wrote to each. */
  stderr = "";
  stdout = "";
  #hasEnded = false;

  /** `heard` gets all that it writes to stderr, as it comes. */
  constructor(
    readonly program: string,
    readonly args: readonly string[],
    heard: (text: string) => void = () => {},
  ) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      readText(this.#child.stdout, (text) => this.stdout = (this.stdout + text).slice(-MAX_SAID_CHARS)),
      readText(this.#child.stderr, (text) => {
        this.stderr = (this.stderr + text).slice(-MAX_SAID_CHARS);
        heard(text);
      }),
    ]);
    this.#child.status.then(() => this.#hasEnded = true);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when it accepts connections on the port of the loopback. Throws with its last words where it does not. */
  async listens(port: number): Promise<void> {
    await this.#until(`does not listen on port ${port}`, async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    });
  }

  /** Resolves when it has written that to stdout, as long as it is among the last of it. Throws with its last words otherwise. */
  async says(text: string): Promise<void> {
    await this.#until(`does not say ${JSON.stringify(text)}`, () => this.stdout.includes(text));
  }

  async #until(problem: string, isReached: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline && !this.#hasEnded) {
      if (await isReached()) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    throw new Error(`${this.program} ${problem}: ${this.stderr || this.stdout}`);
  }

  /** Its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Ends it: TERM, and KILL where that is not enough. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    await this.ended();
    clearTimeout(timer);
  }
}

async function readText(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  add: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
}
