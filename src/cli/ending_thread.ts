/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { removeAll } from "../worker/leftovers.ts";
import { beforeSignals } from "./end_cleanly.ts";

/** Those that are to be gone with the process, as its main thread has told last. */
let paths: readonly string[] = [];

self.onmessage = ({ data }: MessageEvent<readonly string[]>) => {
  paths = data;
};
beforeSignals(() => removeAll(paths));
self.postMessage("ready");
