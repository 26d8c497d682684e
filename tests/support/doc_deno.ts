/** The commands that ask a server and end; what has "-" among its arguments reads stdin, and gets a process of its own. */
const ASKING = [
  "send",
  "stats",
  "pause",
  "resume",
  "peek",
  "cancel",
  "purge",
  "retry-dead",
  "reload",
  "drain",
  "stop",
];

/**
 * The `deno` that is first in the path of the documents' shells. Servers and all else are processes of this very Deno; commands
 * that ask a server are run by one that is there (`resident_cli.ts`), where they start in a hundredth of the time.
 */
export class DocDeno implements AsyncDisposable {
  private constructor(private readonly child: Deno.ChildProcess) {}

  /** Writes it into a folder of the checkout. */
  static async install(checkout: string, bin: string): Promise<DocDeno> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", new URL("./resident_cli.ts", import.meta.url).pathname],
      cwd: checkout,
      stdout: "piped",
    }).spawn();
    const port = await firstLine(child.stdout);
    await Deno.mkdir(bin, { recursive: true });
    await Deno.writeTextFile(`${bin}/deno`, script(Number(port)), { mode: 0o755 });
    return new DocDeno(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }
}

async function firstLine(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text;
}

function script(port: number): string {
  return `#!/bin/bash
if [ "$*" = --version ]; then echo "deno ${Deno.version.deno} "; exit; fi
if [[ "$* " =~ ^run\\ -A\\ (--no-prompt\\ )?main.ts\\ (${ASKING.join("|")})\\  && " $* " != *" - "* ]]; then
  while [ "$1" != main.ts ]; do shift; done
  shift
  exec 3<>/dev/tcp/127.0.0.1/${port}
  printf '%s\\0' $# "$@" >&3
  # Lengths are of bytes.
  LC_ALL=C
  while read -r stream number <&3; do
    if [ "$stream" = 0 ]; then exit "$number"; fi
    IFS= read -r -N "$number" bytes <&3
    printf %s "$bytes" >&"$stream"
  done
  echo "the resident command has gone" >&2
  exit 70
fi
exec ${JSON.stringify(Deno.execPath())} "$@"
`;
}
