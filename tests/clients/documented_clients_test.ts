import { assert, assertEquals } from "@std/assert";
import { docBlocks, fileNameOf } from "../support/doc_blocks.ts";
import { PYTHON } from "../support/python.ts";
import { TestServer } from "../support/test_server.ts";

const DOCUMENT = new URL("../../docs/clients.md", import.meta.url);
const text = await Deno.readTextFile(DOCUMENT);
const blocks = docBlocks("docs/clients.md", text);
const printed = blocks.find((block) => block.text.startsWith("1000 "))?.text;

const LANGUAGES: readonly {
  readonly name: string;
  readonly command: readonly string[];
  readonly version: string;
}[] = [
  { name: "python", command: [PYTHON], version: "--version" },
  { name: "ruby", command: ["ruby"], version: "--version" },
  { name: "go", command: ["go", "run"], version: "version" },
];

for (const { name, command, version } of LANGUAGES) {
  const isThere = await runs(command[0]!, version);
  Deno.test({
    name: `the client of docs/clients.md in ${name} prints what the document says${
      isThere ? "" : ` (skipped: there is no ${command[0]} here)`
    }`,
    ignore: !isThere,
    fn: async () => {
      const block = blocks.find(({ language }) => language === name);
      assert(block !== undefined, `no client in ${name}`);
      const folder = await Deno.makeTempDir({ prefix: "mevent-clients-" });
      await using server = await TestServer.start({ server: { http: "127.0.0.1:0" } });
      try {
        const file = `${folder}/${fileNameOf(block)}`;
        await Deno.writeTextFile(file, block.text);
        const { code, stdout, stderr } = await new Deno.Command(command[0]!, {
          args: [...command.slice(1), file, "127.0.0.1", String(server.tcp.port), server.httpUrl],
          cwd: folder,
        }).output();
        const [output, problem] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
        assertEquals([code, problem, output], [0, "", printed]);
        await server.until("what was only queued has been done", () => server.plugin("echo").done === 3);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function runs(command: string, version: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: [version], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
