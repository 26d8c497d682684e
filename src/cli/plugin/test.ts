import { inFolder, moduleUrl } from "../../authors/author_config.ts";
import { runTestFile, type TestOutcome } from "../../authors/run_test_file.ts";
import { Nursery } from "../../thread/nursery.ts";
import type { Command } from "../command.ts";
import { endBusyCleanly } from "../end_cleanly.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { positiveDuration } from "../server_address.ts";
import { UsageError } from "../usage_error.ts";

/** What test files are called where none is named. */
const TEST_FILE = /_test\.[mc]?[jt]s$/;

export const pluginTestCommand: Command = {
  name: "plugin test",
  summary: "Runs test files of plugins.",
  usage: "[FILE …] [flags]",
  details: [
    "Loads the files, or all of this folder that end in _test.ts or _test.js, one after the other, and runs the tests that " +
    "they register with `test` of mevent/testing. A test file may do whatever its user may; the plugins that it opens may " +
    "do only what they are granted.",
    "Exit codes: 0 where all passed; 1 where one failed or a file does not load; 64 where there is no test.",
  ],
  flags: [
    { name: "filter", value: "TEXT", help: "Runs only tests whose names hold the text." },
    { name: "timeout", value: "TIME", default: "60s", help: "How long a test may take." },
  ],
  positionals: true,
  examples: ["mevent plugin test", "mevent plugin test orders_test.ts --filter price"],
  async run(args, io) {
    const files = args.positionals.length > 0 ? args.positionals : await testFiles();
    const timeoutMs = positiveDuration(args, "timeout");
    const filter = args.text("filter") ?? "";
    const tally = new Tally(io);
    // One server after the other: the threads that start the first one's plugins, and have loaded what that takes, start the others'.
    Nursery.kept = Math.max(Nursery.kept, 1);
    return await endBusyCleanly(async () => {
      for (const file of files) {
        await io.stdout.write(`${file}\n`);
        const url = moduleUrl(file, inFolder("."));
        await runTestFile(url, { filter, timeoutMs, ended: (outcome) => tally.ended(file, outcome) });
      }
      return await tally.end(filter);
    });
  },
};

async function testFiles(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(".")) {
    if (isFile && TEST_FILE.test(name)) names.push(name);
  }
  if (names.length > 0) return names.sort();
  throw new UsageError("this folder has no file that ends in _test.ts or _test.js: name one");
}

/** Tells each test as it ends, then the failures with their stacks, then how many there were. */
class Tally {
  #passed = 0;
  readonly #failures: string[] = [];

  constructor(readonly io: Io) {}

  async ended(file: string, { name, ms, failure }: TestOutcome): Promise<void> {
    const time = `(${Math.round(ms)} ms)`;
    if (failure === null) this.#passed++;
    else this.#failures.push(`${file}: ${name}\n${failure}\n`);
    await this.io.stdout.write(`  ${name} ... ${failure === null ? "ok" : "FAILED"} ${time}\n`);
  }

  async end(filter: string): Promise<number> {
    const { stdout } = this.io;
    const failed = this.#failures.length;
    if (failed + this.#passed === 0) {
      throw new UsageError(
        filter === ""
          ? 'no test is registered: import { test } from "mevent/testing"'
          : `no test has a name with ${JSON.stringify(filter)} in it`,
      );
    }
    for (const failure of this.#failures) await stdout.write(`\n${failure}`);
    await stdout.write(`\n${this.#passed} passed, ${failed} failed\n`);
    return failed === 0 ? ExitCode.Ok : ExitCode.Failed;
  }
}
