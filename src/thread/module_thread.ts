/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="deno.unstable" />
import { ModuleError } from "../modules/module_error.ts";
import { prepareModule } from "../modules/prepare_module.ts";
import { readRegular } from "../modules/read_regular.ts";
import type { FromModuleThread, ToModuleThread } from "./module_preparer.ts";
import { textOf } from "../text_of.ts";

// The entry of the thread that reads plugins' modules and strips their types, and reads a config again; it ends when there is nothing to do.

const post = (message: FromModuleThread) => self.postMessage(message);

self.onmessage = async ({ data }: MessageEvent<ToModuleThread>) => {
  const { id } = data;
  try {
    if ("read" in data) post({ id, reading: readRegular(data.read.path, data.read.maxBytes) });
    else post({ id, prepared: await prepareModule(data.request) });
  } catch (error) {
    post({ id, problem: textOf(error), files: error instanceof ModuleError ? error.files : [] });
  }
};
