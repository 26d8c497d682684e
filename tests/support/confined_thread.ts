/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { confine } from "../../src/host/confine.ts";

// A worker with all of Deno's permissions that confines itself, and tells what it can still read.

self.onmessage = async ({ data: { open, closed } }: MessageEvent<{ open: string; closed: string }>) => {
  confine([{ path: open, id: "" }]);
  self.postMessage({
    open: told(() => Deno.readTextFileSync(`${open}/file`)),
    closed: told(() => Deno.readTextFileSync(`${closed}/file`)),
    // On a thread of its own, which this one starts.
    later: await Deno.readTextFile(`${closed}/file`).catch((error) => error.name),
    library: told(() => {
      Deno.dlopen("libc.so.6", {}).close();
      return "loaded";
    }),
  });
};

function told(read: () => string): string {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
