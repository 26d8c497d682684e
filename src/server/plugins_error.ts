/** Plugins that cannot be served: what is wrong, a sentence each that begins with the plugin. */
export class PluginsError extends Error {
  override readonly name = "PluginsError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }

  /** The same with the config's file in front of each, where they come from one. */
  in(file: string | undefined): string {
    return this.problems.map((problem) => file === undefined ? problem : `${file}: ${problem}`).join("\n");
  }
}
