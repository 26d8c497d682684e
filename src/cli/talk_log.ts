import { Log, type LogLevel } from "../observe/log.ts";
import type { Io } from "./io.ts";

/** A log of a command that ends soon: text on stderr, line by line. */
export class TalkLog extends Log {
  readonly #out: { last: Promise<void> };

  constructor(level: LogLevel, { stderr, noColor }: Pick<Io, "stderr" | "noColor">) {
    const out = { last: Promise.resolve() };
    super({
      level,
      format: "text",
      colour: stderr.isTerminal && !noColor,
      write: (line) => {
        out.last = out.last.then(() => stderr.write(line));
      },
      clock: () => new Date(),
    });
    this.#out = out;
  }

  /** Resolves when all is written. */
  async written(): Promise<void> {
    this.flush();
    await this.#out.last;
  }
}
