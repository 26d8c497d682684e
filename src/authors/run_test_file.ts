import { PLUGIN_DEFAULTS } from "../config/defaults.ts";
import { ModuleError } from "../modules/module_error.ts";
import { textOf, traceOf } from "../text_of.ts";
import { ModuleCopy } from "./module_copy.ts";
import { type RegisteredTest, withTestFile } from "./test_file.ts";
// Test files import it by its URL: so it is in the executable.
import "./testing.ts";

/** What test files may import from mevent itself. */
const PROVIDED = { "mevent/testing": new URL("./testing.ts", import.meta.url).href };
/** Test files run in this very thread, which may read everything. */
const GRANTS = { ...PLUGIN_DEFAULTS.permissions, read: true };
/** mevent's own code, as it stands in the lines of a stack. */
const OWN_CODE = new URL("../", import.meta.url).href;
/** Stands for a test where the file itself fails. */
const THE_FILE = "(the file)";

/** How a test went. */
export interface TestOutcome {
  readonly name: string;
  readonly ms: number;
  /** The error with its stack; null where it passed. */
  readonly failure: string | null;
}

export interface TestRun {
  /** Runs only tests whose names hold this. */
  readonly filter: string;
  /** Of each test, and of loading the file; in ms. */
  readonly timeoutMs: number;
  /** Told of each test as it ends. */
  readonly ended: (outcome: TestOutcome) => Promise<void>;
}

/** Loads a test file into this very thread and runs its tests, one after the other; that it does not load is a failure, too. */
export async function runTestFile(url: string, run: TestRun): Promise<void> {
  const started = performance.now();
  try {
    await using copy = await ModuleCopy.of(url, GRANTS, PROVIDED);
    const tests: RegisteredTest[] = [];
    await withTestFile(url, tests, async () => {
      const file = await outcomeOf(
        { name: THE_FILE, run: () => import(copy.url) },
        run.timeoutMs,
        copy.named,
      );
      if (file.failure !== null) return await run.ended(file);
      for (const test of tests) {
        if (test.name.includes(run.filter)) await run.ended(await outcomeOf(test, run.timeoutMs, copy.named));
      }
    });
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    await run.ended({ name: THE_FILE, ms: performance.now() - started, failure: error.message });
  }
}

async function outcomeOf(
  { name, run }: RegisteredTest,
  timeoutMs: number,
  named: (text: string) => string,
): Promise<TestOutcome> {
  const started = performance.now();
  let failure: string | null = null;
  try {
    await within(timeoutMs, run);
  } catch (error) {
    failure = named(failureText(error));
  }
  return { name, ms: performance.now() - started, failure };
}

/** The stack without mevent's own lines. */
function failureText(error: unknown): string {
  const lines = traceOf(error).split("\n").filter((line) =>
    !(/^ {4}at /.test(line) && line.includes(OWN_CODE))
  );
  return lines.join("\n") || textOf(error);
}

/** What a step returns; rejects where it takes longer, or an error escapes meanwhile from something that nobody awaits. */
async function within<T>(timeoutMs: number, step: () => T | Promise<T>): Promise<T> {
  const failed = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => failed.reject(new Error(`it has not ended after ${timeoutMs} ms`)),
    timeoutMs,
  );
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    failed.reject(event.reason);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    failed.reject(event.error);
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  try {
    return await Promise.race([step(), failed.promise]);
  } finally {
    clearTimeout(timer);
    removeEventListener("unhandledrejection", onRejection);
    removeEventListener("error", onError);
  }
}
