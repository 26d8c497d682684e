/**
 * Runs the test files in several processes at once and counts them together: isolates of one process hold each other up, and
 * a process that dies takes no other's tests with it. The files of one process share an isolate: the modules that they have in
 * common are loaded once, and a server's first start is most of what a short test costs. The last line is of the form of
 * `deno test`'s; the exit code is 1 where anything failed.
 *
 *     ./denow task test
 *     ./denow task test tests/queue/queue_test.ts tests/ring/ring_test.ts
 *     ./denow task test --filter "a full queue"
 *
 * From the first argument with a `-` on they are those of `deno test`. Processes at once: `DENO_JOBS`, else five for two cores.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";

/** These take longest, for they wait: begun first, and each by itself, none of them is what all wait for in the end. */
const LONGEST =
  /\/(sql_postgres|docs|sql_mariadb|exec_end|hostile_ring|isolation|dedup|descriptors|worker_health|start|snapshots|kv)_test\.ts$/;
/** What the first tries takes the file that is run for its own; the second looks at the memory of its process. */
const ALONE = /\/(?:authors\/testing|net\/return_freed)_test\.ts$/;
/**
 * Of the others, one process runs so many at most: to start it costs as much as many a file. They become fewer as fewer are left,
 * so that all processes end at about the same time.
 */
const MOST_FILES_EACH = 6;
const MOST_PROCESSES = 16;
/** A process that runs for longer is ended, in ms: what is stuck has failed. */
const PATIENCE_MS = 10 * 60_000;
const KINDS = ["passed", "failed", "ignored", "filtered out"] as const;

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

interface Counts {
  tests: number;
  steps: number;
}

/** Holds the modules that load several files. */
const modules = Deno.makeTempDirSync({ prefix: "mevent-tests-" });
let written = 0;
const flagsFrom = Deno.args.findIndex((arg) => arg.startsWith("-"));
const [named, flags] = flagsFrom < 0
  ? [Deno.args, []]
  : [Deno.args.slice(0, flagsFrom), Deno.args.slice(flagsFrom)];
const began = performance.now();
const waiting = portionsOf(named.length > 0 ? [...named] : filesIn("tests"));
const counts = new Map(KINDS.map((kind) => [kind, { tests: 0, steps: 0 }]));
/** Files of which not all went well, and what was said of the tests that failed. */
const wrong: string[] = [];
const failures: string[] = [];

await Promise.all(Array.from({ length: processes() }, async () => {
  for (let files = waiting.shift(); files !== undefined; files = waiting.shift()) await run(files);
}));

Deno.removeSync(modules, { recursive: true });
if (wrong.length > 0) {
  console.log(`${failures.join("")}\nNot all is well among ${wrong.join(", nor among ")}`);
}
console.log(`\n${wrong.length === 0 ? "ok" : "FAILED"} | ${summary()}`);
Deno.exit(wrong.length === 0 ? 0 : 1);

/** Runs the tests of these files in a process of their own, prints what it says when it has ended, and counts them. */
async function run(files: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", `--config=${CONFIG}`, oneOf(files), ...flags],
    stdin: "null",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  const said = new TextDecoder().decode(stdout);
  console.log(`${files.join(" ")}\n${said}${new TextDecoder().decode(stderr)}`);
  const found = count(said);
  if (code === 0 && found) return;
  wrong.push(files.join(" "));
  failures.push(said.split(/ FAILURES [^\n]*/)[1]?.replace(/\n[^\n]*\d+ passed[^]*/, "") ?? "");
  // It has ended before it could count: something there has failed.
  if (!found) counts.get("failed")!.tests++;
}

/** The file itself, or a module that brings the tests of all of them, and of one that cannot be loaded a test that says why. */
function oneOf(files: readonly string[]): string {
  if (files.length === 1) return files[0]!;
  const path = `${modules}/${++written}_test.ts`;
  const urls = files.map((file) => pathToFileURL(file).href);
  Deno.writeTextFileSync(
    path,
    `for (const file of ${JSON.stringify(urls)}) {
  await import(file).catch((error) => Deno.test(file + " is loaded", () => Promise.reject(error)));
}
`,
  );
  return path;
}

/** Adds up what the last line says; false where there is none. */
function count(said: string): boolean {
  // deno-lint-ignore no-control-regex
  const line = said.replace(/\x1b\[[\d;]*m/g, "").split("\n").findLast((each) => /\| \d+ passed/.test(each));
  if (line === undefined) return false;
  for (const [kind, sum] of counts) {
    const [, tests, steps] = line.match(`(\\d+) ${kind}(?: \\((\\d+) steps?\\))?`) ?? [];
    sum.tests += Number(tests ?? 0);
    sum.steps += Number(steps ?? 0);
  }
  return true;
}

function summary(): string {
  const stepsOf = ({ steps }: Counts) => steps === 0 ? "" : ` (${steps} ${steps === 1 ? "step" : "steps"})`;
  const seconds = Math.round((performance.now() - began) / 1000);
  const parts = [...counts].filter(([kind, { tests }]) =>
    tests > 0 || kind === "passed" || kind === "failed"
  );
  return `${parts.map(([kind, sum]) => `${sum.tests} ${kind}${stepsOf(sum)}`).join(" | ")} ` +
    `(${Math.floor(seconds / 60)}m${seconds % 60}s)`;
}

/** The test files there, sorted; those of the executable, which has to be built first, have a task of their own. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return path === "tests/executable" ? [] : filesIn(path);
    return name.endsWith("_test.ts") ? [path] : [];
  }).sort();
}

/** What one process runs at a time, in the order in which they are begun. */
function portionsOf(files: readonly string[]): string[][] {
  const isAlone = (file: string) => LONGEST.test(file) || ALONE.test(file);
  const portions = files.filter(isAlone).map((file) => [file]);
  const others = files.filter((file) => !isAlone(file));
  while (others.length > 0) {
    const each = Math.ceil(others.length / (3 * processes()));
    portions.push(others.splice(0, Math.min(each, MOST_FILES_EACH)));
  }
  return portions;
}

function processes(): number {
  const wanted = Number(Deno.env.get("DENO_JOBS")) || Math.ceil(2.5 * navigator.hardwareConcurrency);
  return Math.min(Math.max(1, wanted), MOST_PROCESSES);
}
