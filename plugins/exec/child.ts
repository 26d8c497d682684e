import { stringifyJson } from "../../src/exact_json.ts";
import type { Guard } from "./guard.ts";
import { type LineEvents, Lines } from "./lines.ts";
import { type ChildMessage, LineError, readLine } from "./messages.ts";
import { OpenIds } from "./open_ids.ts";
import type { ExecSettings } from "./settings.ts";
import { MAX_TEXT, type Speech } from "./speech.ts";

/** What a child gets to end in once it was told by TERM, in ms. */
const TERM_GRACE_MS = 1000;
/** What is read of its output after its end, where another process still holds the other end; in ms. */
const LAST_WORDS_MS = 500;
/** Of a line that is left out, in the log. */
const MAX_SHOWN_BYTES = 200;

/** What a child's owner hears of it. */
export interface ChildEvents {
  message(message: Exclude<ChildMessage, { kind: "ready" }>): void;
  /** The answer to that operation cannot be used. */
  spoiled(id: number, why: string): void;
  /** Whether it has an operation with that id. */
  isOpen(id: number): boolean;
}

/** A child process: lines of JSON in and out, what it writes to stderr to the log. What it starts ends with it. */
export class Child {
  /** Resolves when it has ended and all that it wrote has been read; says why it ended. */
  readonly ended: Promise<string>;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #encoder = new TextEncoder();
  /** Why it was killed; null where it ends by itself. */
  #cause: string | null = null;
  #hasEnded = false;
  #inputIsOpen = true;
  #lastError = "";
  /** What is looked for in a line that is too long. */
  #sought: OpenIds | null = null;
  #exitCode: number | null = null;

  private constructor(
    readonly settings: ExecSettings,
    readonly speech: Speech,
    readonly events: ChildEvents,
    readonly guard: Guard,
    env: Record<string, string>,
  ) {
    const { program, args, cwd } = settings;
    guard.prepare();
    this.#process = new Deno.Command(program, {
      args: [...args],
      // Otherwise it would get the server's whole environment, whatever the plugin may read of it.
      clearEnv: true,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A session of its own, for the guard to end.
      detached: true,
      ...cwd !== undefined && { cwd },
    }).spawn();
    guard.own(this.#process.pid);
    this.#input = this.#process.stdin.getWriter();
    this.#input.closed.catch(() => {});
    this.ended = this.#follow();
  }

  /** Starts one and waits until it is ready; throws with a sentence where it is not in time, or ends. */
  static async start(
    settings: ExecSettings,
    speech: Speech,
    events: ChildEvents,
    guard: Guard,
    signal: AbortSignal,
  ): Promise<Child> {
    const child = new Child(settings, speech, events, guard, environment(settings));
    const { startTimeout } = settings;
    const late = () => child.kill(`it did not say {"ready": true} within ${startTimeout} ms`);
    const timer = setTimeout(late, startTimeout);
    const stop = () => child.kill("the worker is stopping");
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      const reason = await Promise.race([child.#ready.promise, child.ended]);
      if (reason === undefined) return child;
      const last = child.#lastError === "" ? "" : `; the last that it wrote to stderr: ${child.#lastError}`;
      throw new Error(`${settings.program} did not start: ${reason}${last}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it has ended by itself, and all was well as it says. */
  get hasEndedWell(): boolean {
    return this.#cause === null && this.#exitCode === 0;
  }

  /** Writes a message; a child that reads no more is killed. */
  send(message: unknown): void {
    if (!this.#inputIsOpen) return;
    this.#input.write(this.#encoder.encode(`${stringifyJson(message)}\n`)).catch(() => {
      if (this.#inputIsOpen) this.#killUnlessItEnds("it has closed its stdin");
    });
  }

  /** Ends it at once; what it has begun is lost. */
  kill(why: string): void {
    if (this.#hasEnded) return;
    this.#cause ??= why;
    this.#signal("KILL");
  }

  /** Asks it to end, more and more firmly: by closing its stdin, by TERM, by KILL. */
  async stop(): Promise<void> {
    this.#cause ??= "the worker is stopping";
    this.#inputIsOpen = false;
    // Not awaited: a child that does not read holds it up for ever.
    this.#input.close().catch(() => {});
    if (await this.#endsWithin(this.settings.stopTimeout)) return;
    this.speech.say("warn", "the child does not end by itself, and is told by TERM", { pid: this.pid });
    this.#signal("TERM");
    if (await this.#endsWithin(TERM_GRACE_MS)) return;
    this.speech.say("warn", "the child does not end, and is killed", { pid: this.pid });
    this.#signal("KILL");
    await this.ended;
  }

  /** Its end of a pipe is closed, as it is shortly before the end of a process that ends by itself. */
  async #killUnlessItEnds(why: string): Promise<void> {
    if (!await this.#endsWithin(LAST_WORDS_MS)) this.kill(why);
  }

  async #endsWithin(ms: number): Promise<boolean> {
    let timer = 0;
    const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), ms));
    const ended = await Promise.race([this.#process.status.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  /** To it and to all that it has started. */
  #signal(signal: "TERM" | "KILL"): void {
    // First of all to it, and who it has started could not be told from others any more.
    if (this.guard.signal(signal, this.pid)) return;
    try {
      this.#process.kill(`SIG${signal}`);
    } catch (error) {
      // It has ended by itself a moment ago.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #follow(): Promise<string> {
    const stdout = this.#process.stdout.getReader();
    const stderr = this.#process.stderr.getReader();
    const { maxLine } = this.settings;
    const reading = Promise.all([
      read(stdout, new Lines(maxLine, this.#lineEvents()))
        .then(() => this.#killUnlessItEnds("it has closed its stdout")),
      read(
        stderr,
        new Lines(MAX_TEXT, {
          line: (line) => this.#error(textOf(line)),
          tooLong: (beginning) => this.#error(`${textOf(beginning)} …`),
        }),
      ),
    ]);
    const { code, signal } = await this.#process.status;
    this.#hasEnded = true;
    this.#inputIsOpen = false;
    this.#input.abort().catch(() => {});
    const timer = setTimeout(() => Promise.all([stdout.cancel(), stderr.cancel()]), LAST_WORDS_MS);
    await reading;
    clearTimeout(timer);
    this.guard.end(this.pid);
    this.#exitCode = signal === null ? code : null;
    const how = signal === null ? `it ended with exit code ${code}` : `it ended by ${signal}`;
    return this.#cause ?? how;
  }

  #lineEvents(): LineEvents {
    return {
      line: (line) => this.#line(line),
      excess: (bytes) => (this.#sought ??= new OpenIds(this.events.isOpen)).push(bytes),
      tooLong: (beginning) => {
        const ids = this.#sought?.end() ?? [];
        this.#sought = null;
        this.#leaveOut(`it is longer than max_line, ${this.settings.maxLine} bytes`, beginning, ids);
      },
    };
  }

  #line(line: Uint8Array): void {
    try {
      const message = readLine(line);
      if (message.kind === "ready") this.#ready.resolve();
      else this.events.message(message);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      if (line.every(isSpace)) return;
      this.#leaveOut(error.message, line, this.#operationsIn(line, error));
    }
  }

  #operationsIn(line: Uint8Array, { about }: LineError): readonly number[] {
    if (about === "none") return [];
    if (typeof about === "number") return [about];
    const ids = new OpenIds(this.events.isOpen);
    ids.push(line);
    return ids.end();
  }

  /** Its operations fail at once: the work was done, and waiting for their time-outs would have it done again. */
  #leaveOut(why: string, line: Uint8Array, operations: readonly number[]): void {
    this.speech.say("warn", `the child wrote a line that is left out: ${why}`, {
      line: textOf(line.subarray(0, MAX_SHOWN_BYTES)),
    });
    for (const id of operations) this.events.spoiled(id, why);
  }

  #error(line: string): void {
    if (line === "") return;
    this.#lastError = line.slice(0, 500);
    this.speech.say("warn", line, { from: "stderr" });
  }
}

/** As it can be shown; other bytes than UTF-8 are replaced. */
function textOf(line: Uint8Array): string {
  return new TextDecoder().decode(line).trimEnd();
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, lines: Lines): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    lines.push(value);
  }
  lines.end();
}

function environment({ env, passEnv }: ExecSettings): Record<string, string> {
  const passed = passEnv.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(passed), ...env };
}
