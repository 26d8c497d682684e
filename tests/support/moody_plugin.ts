/** A plugin that fails as it is told, waits to be cancelled, or adds. */
export const MOODY_PLUGIN = `
import type { Plugin } from "mevent/plugin";
export default {
  name: "moody", description: "fails as it is told",
  commands: {
    1001: {
      name: "fail",
      run(context) {
        const order = context.params.string("order");
        throw context.fail(Number(context.params.number("code", 30)), \`order "\${order}" of user 4711 is gone\`);
      },
    },
    1002: {
      name: "wait",
      run: (context) =>
        new Promise((resolve, reject) => {
          context.progress(1, 2, "half");
          context.signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
        }),
    },
    1003: { name: "sum", run: (context) => ({ sum: context.params.number("a") + 1 }) },
  },
} satisfies Plugin;
`;
