import type { Config } from "../config/config.ts";
import { problemText } from "../config/config_error.ts";

/** Plugins that cannot be served: what is wrong, a sentence each that begins with the plugin. */
export class PluginsError extends Error {
  override readonly name = "PluginsError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }

  /** The same with where in the config's file each of them leads, where they come from one. */
  in(config: Pick<Config, "plugins" | "layers">): string {
    return this.problems.map((problem) => placed(problem, config)).join("\n");
  }
}

/** `mevent.toml:7:10: plugin db does not load: …`; further lines on its config have places of their own. */
function placed(problem: string, { plugins, layers }: Pick<Config, "plugins" | "layers">): string {
  if (layers.file === undefined) return problem;
  const index = plugins.findIndex(({ name }) => problem.startsWith(`plugin ${name} `));
  if (index < 0) return `${layers.file}: ${problem}`;
  const lead = `plugin ${plugins[index]!.name} `;
  return problem.split("\n").map((line, at) => {
    if (at > 0 && !/^config\b/.test(line)) return line;
    const { source, line: row, column } = layers.placeOfPlugin(
      index,
      at === 0 ? line.slice(lead.length) : line,
    );
    return problemText({ source, line: row, column, message: line });
  }).join("\n");
}
