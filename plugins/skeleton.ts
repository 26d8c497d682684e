import type { Plugin } from "mevent/plugin";

/**
 * The template to copy: a plugin that does nothing yet. It answers mevent's own commands (cache 100-103, stats 1000)
 * like every plugin. Add commands by number, from 1001 on:
 *
 * ```ts
 * 1001: {
 *   name: "greet",
 *   run: (context) => ({ greeting: `Hello, ${context.params.string("name")}!` }),
 * },
 * ```
 */
export default {
  name: "skeleton",
  biz: 1,
  description: "the template to copy",
  commands: {},
  start(context) {
    context.log.debug("started");
  },
  stop(context) {
    context.log.debug("stopped");
  },
} satisfies Plugin;
