/** A test as it was registered. */
export interface RegisteredTest {
  readonly name: string;
  readonly run: () => unknown;
}

/** The test file that `mevent plugin test` is at, and where its tests are collected; null under `deno test`. */
let current: { readonly url: string; readonly tests: RegisteredTest[] } | null = null;

/** Does something while `test` collects what the file at the URL registers; one file at a time. */
export async function withTestFile(
  url: string,
  tests: RegisteredTest[],
  step: () => Promise<void>,
): Promise<void> {
  if (current !== null) throw new Error(`the tests of ${current.url} are still running`);
  current = { url, tests };
  try {
    await step();
  } finally {
    current = null;
  }
}

/** What `test` of `mevent/testing` does. */
export function registerTest(name: string, run: () => void | Promise<void>): void {
  if (typeof name !== "string" || name === "" || typeof run !== "function") {
    throw new TypeError('a test needs a name and a function: test("it answers", async () => { … })');
  }
  if (current === null) Deno.test(name, async () => await run());
  else current.tests.push({ name, run });
}

/** The URL of the test file that runs, to which paths are relative. */
export function testFileUrl(): string {
  return current?.url ?? Deno.mainModule;
}
