import type { Plugin } from "mevent/plugin";

/** What tests of `mevent/testing` open. */
export default {
  name: "notes",
  biz: 40,
  concurrency: 4,
  commands: {
    1001: { name: "config", run: ({ config, worker }) => ({ config, worker }) },
    1002: {
      name: "fail",
      run: (context) => {
        throw context.fail(40, "there is no such note");
      },
    },
    1003: { name: "nothing", run: () => {} },
    1004: {
      name: "keep",
      async run({ cache, log, params, stats }) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await cache.set(params.string("key"), params.string("text"));
        stats.count("kept");
        log.info("kept", { key: params.string("key") });
      },
    },
    1005: { name: "read", run: ({ params }) => Deno.readTextFile(params.string("path")) },
    1006: {
      name: "break",
      run: () => {
        throw new Error("the disk is full");
      },
    },
    1007: {
      name: "long",
      async run({ cache, id, params, progress }) {
        progress(1, 5);
        progress(params.int("rows"), 5, "rows");
        while (await cache.get("go on") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
        return { id };
      },
    },
  },
  stop({ log }) {
    log.info("stopped by itself");
  },
} satisfies Plugin;
