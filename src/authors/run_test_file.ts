import { traceOf } from "../worker/text_of.ts";
import { type RegisteredTest, withTestFile } from "./test_file.ts";

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

/** Loads a test file into this very thread and runs its tests, one after the other. Rejects where the file does not load. */
export async function runTestFile(url: string, run: TestRun): Promise<void> {
  await withTestFile(url, () => within(run.timeoutMs, () => import(url)), async (tests) => {
    for (const test of tests) if (test.name.includes(run.filter)) await run.ended(await outcomeOf(test, run));
  });
}

async function outcomeOf({ name, run }: RegisteredTest, { timeoutMs }: TestRun): Promise<TestOutcome> {
  const started = performance.now();
  let failure: string | null = null;
  try {
    await within(timeoutMs, run);
  } catch (error) {
    failure = traceOf(error);
  }
  return { name, ms: performance.now() - started, failure };
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
