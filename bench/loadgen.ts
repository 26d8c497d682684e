import { join, resolve } from "node:path";
import * as v from "valibot";
import { ChildProcess } from "./support/child_process.ts";
import { isFile } from "./support/find_program.ts";

/** What a load may take longer than it was told before it is ended, in ms. */
const OVERTIME_MS = 30_000;
/** The longest load that is ended from outside, in seconds: loadgen's own bound. */
const MAX_SECONDS = 600;

/** What one client is to do; everything but these goes to `options`, as on loadgen's command line. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Requests that one connection has under way. */
  readonly depth: number;
  /** At most; without it until it is ended from outside, or has done its `count`. */
  readonly seconds?: number;
  /** Goes before, uncounted. */
  readonly warmupSeconds?: number;
  /** Requests in all. */
  readonly count?: number;
  /** `--proto redis --cmd-name XADD` and the like. */
  readonly options: readonly string[];
}

const Result = v.object({
  /** Requests that were answered as they should. */
  ok: v.number(),
  /** The others, by what they were answered: `21` is BUSY. */
  errors: v.record(v.string(), v.number()),
  unmatched: v.number(),
  /** UDP: without an answer within a second. */
  lost: v.optional(v.number(), 0),
  seconds: v.number(),
  ops_per_s: v.number(),
  p50_us: v.number(),
  p99_us: v.number(),
  p999_us: v.number(),
  max_us: v.number(),
});

/** What loadgen measured. */
export type LoadResult = v.InferOutput<typeof Result>;

/** The load generator in C. */
export class Loadgen {
  private constructor(readonly program: string) {}

  /** Takes the program, or builds it with make from the folder named, which is left as it is. */
  static async find(path: string): Promise<Loadgen> {
    const found = [path, join(path, "loadgen")].find(isFile);
    if (found !== undefined) return new Loadgen(found);
    const source = resolve(path);
    const folder = await Deno.makeTempDir();
    addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    const make = new ChildProcess("make", ["-C", folder, "-f", join(source, "Makefile"), `VPATH=${source}`]);
    const program = join(folder, "loadgen");
    if (await make.ended() !== 0 || !isFile(program)) {
      throw new Error(`${path} is neither loadgen nor a folder where make builds it: ${make.stderr}`);
    }
    return new Loadgen(program);
  }

  /** Starts a worker or the mock server: `--role worker --proto nats …`, for at most so many seconds. */
  role(options: readonly string[], seconds = MAX_SECONDS): ChildProcess {
    return new ChildProcess(this.program, [...options, "--seconds", String(seconds)]);
  }

  /** Lets a client do its load and returns what it measured. */
  run(load: Load): Promise<LoadResult> {
    return this.start(load).result;
  }

  /** The same in the background. */
  start(load: Load): RunningLoad {
    return new RunningLoad(this.program, load);
  }
}

/** A client at work. */
export class RunningLoad {
  readonly result: Promise<LoadResult>;
  readonly #process: ChildProcess;

  constructor(program: string, load: Load) {
    const { port, connections, depth, seconds = MAX_SECONDS, warmupSeconds = 0, count, options } = load;
    const numbers = {
      port,
      conns: connections,
      depth,
      seconds,
      warmup: warmupSeconds,
      ...count && { count },
    };
    const args = [
      ...options,
      ...Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ];
    this.#process = new ChildProcess(program, args);
    this.result = this.#read(args, (seconds + warmupSeconds) * 1000 + OVERTIME_MS);
  }

  /** Ends it before its time; returns what it has measured. */
  end(): Promise<LoadResult> {
    this.#process.signal("SIGINT");
    return this.result;
  }

  async #read(args: readonly string[], limitMs: number): Promise<LoadResult> {
    const timer = setTimeout(() => this.#process.signal("SIGKILL"), limitMs);
    // 2 where some requests failed: those are in the result.
    const code = await this.#process.ended();
    clearTimeout(timer);
    const { stdout, stderr } = this.#process;
    if (code !== 0 && code !== 2) {
      throw new Error(`loadgen ${args.join(" ")} measured nothing (exit code ${code}): ${stderr}`);
    }
    return v.parse(Result, JSON.parse(stdout));
  }
}
