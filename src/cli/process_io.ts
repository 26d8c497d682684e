import { type Io, OutputClosed, type TextOutput } from "./io.ts";

/** The Io of this process. */
export function processIo(): Io {
  const env = Deno.env.toObject();
  return {
    stdout: output(Deno.stdout, () => {
      throw new OutputClosed();
    }),
    stderr: output(Deno.stderr, () => {}),
    // Opened only where a command reads it.
    get stdin() {
      return Deno.stdin.readable;
    },
    isStdinTerminal: Deno.stdin.isTerminal(),
    noColor: (env["NO_COLOR"] ?? "") !== "",
    env,
  };
}

/** `onClosed` decides what becomes of text that nobody reads any more: data ends the command, talk is dropped. */
function output(stream: typeof Deno.stdout, onClosed: () => void): TextOutput {
  return {
    isTerminal: stream.isTerminal(),
    async write(text) {
      let rest = new TextEncoder().encode(text);
      try {
        while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        onClosed();
      }
    },
  };
}
