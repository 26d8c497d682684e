/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { removeAll } from "../leftovers.ts";
import { beforeSignals } from "./end_cleanly.ts";

/** 1 from when a signal has been heard. */
const ending = new Int32Array(new SharedArrayBuffer(4));
/** Those that are to be gone with the process, as its main thread has told last. */
let paths: readonly string[] = [];

self.onmessage = ({ data }: MessageEvent<readonly string[]>) => {
  paths = data;
};
beforeSignals(() => {
  Atomics.store(ending, 0, 1);
  removeAll(paths);
});
self.postMessage(ending);
