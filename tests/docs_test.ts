import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../src/config/load.ts";
import { PLUGIN_DEFAULTS } from "../src/config/defaults.ts";
import { parseHdf } from "../src/hdf/parse.ts";
import { ReplyCode } from "../src/protocol/codes.ts";
import { consoleSteps, type DocBlock, docBlocks, fileNameOf, matchesOutput } from "./support/doc_blocks.ts";
import { DocDeno } from "./support/doc_deno.ts";
import { DocShell } from "./support/doc_shell.ts";

const ROOT = new URL("../", import.meta.url);
const DOCUMENTS = [
  "README.md",
  "docs/plugins.md",
  "docs/params.md",
  "docs/operations-lifecycle.md",
  "docs/results.md",
  "docs/protocol.md",
  "docs/architecture.md",
  "docs/capacity.md",
  "docs/configuration.md",
  "docs/limits.md",
  "docs/metrics.md",
  "docs/durability.md",
  "docs/http.md",
  "docs/admin.md",
  "docs/clients.md",
  "docs/typescript-client.md",
  "docs/from-the-c-daemon.md",
  "docs/operations.md",
  "docs/alerts.md",
  "docs/dashboard.md",
  "docs/packaging.md",
  "docs/reload.md",
  "docs/tls.md",
  "docs/auth.md",
  "docs/robustness.md",
  "docs/isolation.md",
  "docs/kv.md",
  "docs/sql.md",
  "docs/webhook.md",
  "docs/exec.md",
];
/** What a reader of the documents has got. */
const CHECKOUT = [
  "main.ts",
  "denow",
  "deno.json",
  "deno.lock",
  "src",
  "plugins",
  "config.example.toml",
  ...DOCUMENTS,
];
/** Where the modules of documents are kept until their types are checked, all at once. */
const SHELF = "of_documents";
/** The ports of the documents, mevent's, another server's and a receiver's; the copy of the checkout uses free ones in their place. */
const DOCUMENTED_PORTS = ["26000", "26001", "26080", "18080"];

Deno.test("every block of the documents does what the document says", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "mevent_docs_" });
  try {
    // One for all: Deno knows its modules by their path, and gets them ready once.
    await copyCheckout(folder, DOCUMENTED_PORTS.map(() => String(freePort())));
    await using _deno = await DocDeno.install(folder, `${folder}/.bin`);
    await Deno.mkdir(`${folder}/${SHELF}`);
    const checkout = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
    const modules: string[] = [];
    for (const document of DOCUMENTS) {
      await t.step(document, async () => {
        modules.push(...await runDocument(folder, document));
        // The next reader begins with the checkout and nothing else.
        for (const { name } of Deno.readDirSync(folder)) {
          if (!checkout.has(name)) await Deno.remove(`${folder}/${name}`, { recursive: true });
        }
      });
    }
    await t.step("the types of their modules are right", () => checkTypes(folder, modules));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every link of the documents leads to a file", async () => {
  for (const document of DOCUMENTS) {
    const here = new URL(document, ROOT);
    for (const [, target = ""] of (await Deno.readTextFile(here)).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      await Deno.stat(new URL(target, here));
    }
  }
});

Deno.test("docs/plugins.md names every key of [[plugin]] and every member of the plugin API", async () => {
  const text = await Deno.readTextFile(new URL("docs/plugins.md", ROOT));
  const api = await Deno.readTextFile(new URL("src/plugin.ts", ROOT));
  const members = [...api.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, name = ""]) => name);
  assert(members.length > 30);
  const keys = ["name", "biz", "module", "concurrency", ...Object.keys(PLUGIN_DEFAULTS)];
  const missing = [...keys, ...members].filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
  assertEquals(missing, []);
});

Deno.test("docs/protocol.md names every reply code", async () => {
  const text = await Deno.readTextFile(new URL("docs/protocol.md", ROOT));
  const missing = Object.values(ReplyCode).filter((code) => !new RegExp(`^\\| ${code}\\b`, "m").test(text));
  assertEquals(missing, []);
});

/** Returns where its modules, and what is beside them, are kept. */
async function runDocument(folder: string, document: string): Promise<string[]> {
  const blocks = docBlocks(document, await Deno.readTextFile(`${folder}/${document}`));
  const path = `${folder}/.bin:${Deno.env.get("PATH") ?? ""}`;
  await using shell = new DocShell(folder, { PATH: path, NO_COLOR: "1" });
  const modules: string[] = [];
  for (const block of blocks) {
    switch (block.language) {
      case "text":
      // Run by tests/clients/documented_clients_test.ts, where they are there.
      case "go":
      case "ruby":
        break;
      case "sh":
        await runCommands(shell, block);
        break;
      case "console":
        await runConsole(shell, block);
        break;
      case "hdf":
        parseHdf(block.text);
        break;
      case "ts":
      case "toml":
      case "python": {
        const file = `${folder}/${fileNameOf(block)}`;
        await Deno.writeTextFile(file, block.text);
        if (block.language === "ts") modules.push(file);
        if (block.language === "toml") loadConfig({ file, env: {}, flags: {} });
        break;
      }
      default:
        throw new Error(`${block.place}: nobody runs a block of ${JSON.stringify(block.language)}`);
    }
  }
  return modules.length === 0 ? [] : await kept(folder, document, modules);
}

async function kept(folder: string, document: string, modules: readonly string[]): Promise<string[]> {
  const shelf = `${folder}/${SHELF}/${document.replaceAll("/", "_")}`;
  await Deno.mkdir(shelf, { recursive: true });
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.endsWith(".ts") && name !== "main.ts") {
      await Deno.copyFile(`${folder}/${name}`, `${shelf}/${name}`);
    }
  }
  return modules.map((file) => file.replace(folder, shelf));
}

async function runCommands(shell: DocShell, block: DocBlock): Promise<void> {
  const { output, status } = await shell.run(`trap 'echo "fails with $?: $BASH_COMMAND"' ERR\n${block.text}`);
  assert(status === 0 && !output.includes("fails with"), `${block.place}: ${output}`);
  if (/\b(?:serve|proxy)\b.*&$/m.test(block.text)) await shell.waitFor(/mevent stats.*\n/);
}

async function runConsole(shell: DocShell, block: DocBlock): Promise<void> {
  for (const { command, output } of consoleSteps(block)) {
    let run = await shell.run(`trap - ERR\n${command}`);
    // Workers tell their figures now and then, and alerts are looked at once a second.
    for (
      let tries = 0;
      tries < 50 && /\bmevent (?:stats|alert list)\b/.test(command) && !matchesOutput(output, run.output);
      tries++
    ) {
      run = await shell.run(`trap - ERR\nsleep 0.1; ${command}`);
    }
    assert(
      matchesOutput(output, run.output),
      `${block.place}: $ ${command}${run.output}\ninstead of\n${output}`,
    );
  }
}

async function checkTypes(folder: string, modules: string[]): Promise<void> {
  // Of mevent/testing they see the declared types alone, so that the server behind it is not checked once more.
  await Deno.writeTextFile(
    `${folder}/src/authors/testing.ts`,
    'import type { OpenPlugin, Test } from "./testing_types.ts";\nexport type * from "./testing_types.ts";\n' +
      "export declare const openPlugin: OpenPlugin;\nexport declare const test: Test;\n",
  );
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...modules],
    cwd: folder,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Copies what a reader has, moved to another port. */
async function copyCheckout(folder: string, ports: readonly string[]): Promise<void> {
  for (const name of CHECKOUT) await copy(new URL(name, ROOT), `${folder}/${name}`, ports);
}

async function copy(from: URL, to: string, ports: readonly string[]): Promise<void> {
  const info = await Deno.stat(from);
  if (info.isDirectory) {
    for await (const { name } of Deno.readDir(from)) {
      await copy(new URL(`${from}/${name}`), `${to}/${name}`, ports);
    }
    return;
  }
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  let text = await Deno.readTextFile(from);
  for (const [index, port] of ports.entries()) text = text.replaceAll(DOCUMENTED_PORTS[index]!, port);
  await Deno.writeTextFile(to, text, { mode: info.mode ?? 0o644 });
}

/** A port that neither TCP nor UDP uses now. */
function freePort(): number {
  for (;;) {
    using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = tcp.addr;
    try {
      Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
