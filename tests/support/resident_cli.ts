import type { Io, TextOutput } from "../../src/cli/io.ts";

// A process that runs mevent's commands one after the other, those of the checkout that is its folder: most of what a short one
// costs is the start of its process. It says its port, takes a command's arguments (their number, then each, with a NUL
// behind), and answers with what goes to stdout (`1 LENGTH`, the bytes), to stderr (`2 LENGTH`) and the exit code (`0 CODE`).

const { run } = await import(
  new URL("src/cli/run.ts", `file://${Deno.cwd()}/`).href
) as typeof import("../../src/cli/run.ts");

/** What is said to the other side: each piece whole, for a command may write while another write is under way. */
class Output {
  #last = Promise.resolve();

  constructor(readonly connection: Deno.TcpConn) {}

  write(head: string, bytes: Uint8Array = new Uint8Array(0)): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (let rest of [new TextEncoder().encode(head), bytes] as Uint8Array[]) {
        while (rest.length > 0) rest = rest.subarray(await this.connection.write(rest));
      }
    });
    return this.#last;
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
for await (const connection of listener) void serve(connection);

async function serve(connection: Deno.TcpConn): Promise<void> {
  using _closed = connection;
  const output = new Output(connection);
  const code = await run(await argumentsOf(connection), ioOf(output));
  await output.write(`0 ${code}\n`);
}

async function argumentsOf(connection: Deno.TcpConn): Promise<string[]> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  const decoder = new TextDecoder();
  for (;;) {
    const [count, ...args] = text.split("\0");
    if (args.length > 0 && args.length === Number(count) + 1) return args.slice(0, -1);
    const read = await connection.read(buffer);
    if (read === null) throw new Error(`the arguments end early: ${text}`);
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
}

function ioOf(output: Output): Io {
  return {
    stdout: outputOf(output, 1),
    stderr: outputOf(output, 2),
    stdin: new ReadableStream({ start: (controller) => controller.close() }),
    isStdinTerminal: false,
    noColor: true,
    env: Deno.env.toObject(),
  };
}

function outputOf(output: Output, stream: 1 | 2): TextOutput {
  return {
    isTerminal: false,
    write: (data) => {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      return output.write(`${stream} ${bytes.length}\n`, bytes);
    },
  };
}
