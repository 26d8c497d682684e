import { systemReason } from "../system_reason.ts";
import { type Io, OutputClosed, OutputError, type TextOutput } from "./io.ts";

/** A stream that takes nothing at the moment, as its reader has made it one that does not block, is asked again; in ms. */
const ASK_AGAIN_MS = 5;

/** What bytes go to: stdout, stderr, or a file. */
export type ByteSink = Pick<typeof Deno.stdout, "write" | "isTerminal">;

/** The Io of this process. */
export function processIo(): Io {
  const env = Deno.env.toObject();
  return {
    stdout: dataOutput(Deno.stdout),
    stderr: talkOutput(Deno.stderr),
    // Opened only where a command reads it.
    get stdin() {
      return Deno.stdin.readable;
    },
    isStdinTerminal: Deno.stdin.isTerminal(),
    noColor: (env["NO_COLOR"] ?? "") !== "",
    env,
  };
}

/** Data: what cannot be written ends the command. */
export function dataOutput(sink: ByteSink): TextOutput {
  return {
    isTerminal: sink.isTerminal(),
    async write(data) {
      try {
        await writeAll(sink, data);
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
        throw new OutputError(`cannot write to stdout: ${systemReason(error, "file")}`);
      }
    },
  };
}

/** Talk: what cannot be written is dropped, for the data may still arrive. */
export function talkOutput(sink: ByteSink): TextOutput {
  return {
    isTerminal: sink.isTerminal(),
    async write(data) {
      try {
        await writeAll(sink, data);
      } catch {
        // There is no other place to say it.
      }
    },
  };
}

async function writeAll(sink: ByteSink, data: string | Uint8Array): Promise<void> {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(await sink.write(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}
