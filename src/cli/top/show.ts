import type { ServerStats } from "../../observe/server_stats.ts";
import { clientFailure } from "../client_failure.ts";
import { beforeSignals } from "../end_cleanly.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { asServerStats } from "../stats/report.ts";
import type { OpenStats, StatsSource } from "../stats/source.ts";
import { type Key, keysOf } from "./keys.ts";
import { firstShown, type Looks, topScreen, visibleRows } from "./top_screen.ts";

/** The other screen, without a cursor; and back to the one before. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const FALLBACK = { rows: 24, columns: 80 };

/** Shows the overview on a terminal until somebody has seen enough. Throws where the server is not there at first. */
export async function showTop(open: OpenStats, intervalMs: number, io: Io): Promise<number> {
  const source = await open();
  // Kept in raw mode, a terminal would be of no use to the shell.
  const restore = () => {
    Deno.stdin.setRaw(false);
    Deno.stdout.writeSync(new TextEncoder().encode(LEAVE));
  };
  Deno.stdin.setRaw(true);
  const forget = beforeSignals(restore);
  try {
    await io.stdout.write(ENTER);
    await new Picture(source, open, intervalMs, io).run();
    return ExitCode.Ok;
  } finally {
    forget();
    restore();
  }
}

/** What is on the screen, and what changes it: looks at the server, and keys. */
class Picture {
  readonly #ended = new AbortController();
  #source: StatsSource | undefined;
  #last: { readonly stats: ServerStats; readonly at: number } | undefined;
  #looks: Looks | undefined;
  #problem = "";
  #from = 0;
  #isHeld = false;

  constructor(source: StatsSource, readonly open: OpenStats, readonly intervalMs: number, readonly io: Io) {
    this.#source = source;
  }

  async run(): Promise<void> {
    const reader = this.io.stdin.getReader();
    const keys = this.#readKeys(reader);
    try {
      while (!this.#ended.signal.aborted) {
        if (!this.#isHeld) await this.#look();
        await this.#draw();
        await this.#pause();
      }
    } finally {
      this.#ended.abort();
      await reader.cancel();
      await keys;
      await this.#source?.close();
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#ended;
    try {
      this.#source ??= await this.open();
      const stats = asServerStats(await this.#source.fetch(signal));
      const at = performance.now();
      const { stats: earlier, at: earlierAt } = this.#last ?? { stats, at: at - this.intervalMs };
      this.#looks = { stats, earlier, apartMs: at - earlierAt };
      this.#last = { stats, at };
      this.#problem = "";
    } catch (error) {
      if (signal.aborted) return;
      if (clientFailure(error) !== ExitCode.Unreachable || !(error instanceof Error)) throw error;
      this.#problem = error.message;
      await this.#source?.close();
      this.#source = undefined;
    }
  }

  async #draw(): Promise<void> {
    if (this.#looks === undefined) return;
    const view = { from: this.#from, isHeld: this.#isHeld, styled: !this.io.noColor, ...screenSize() };
    const lines = topScreen(this.#looks, view);
    if (this.#problem !== "") {
      lines[0] = [...`${this.#problem}; trying again`].slice(0, view.columns).join("");
    }
    // Over what was there: clearing all first would flicker.
    await this.io.stdout.write(
      `\x1b[H${lines.slice(0, view.rows).map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`,
    );
  }

  /** Until the next look is due, or it is over. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.intervalMs);
      this.#ended.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
      if (this.#ended.signal.aborted) resolve();
    });
  }

  async #readKeys(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const key of keysOf(decoder.decode(value, { stream: true }))) this.#press(key);
      if (!this.#ended.signal.aborted) await this.#draw();
    }
    this.#ended.abort();
  }

  #press(key: Key): void {
    if (key === "quit") return this.#ended.abort();
    if (key === "hold") {
      this.#isHeld = !this.#isHeld;
      return;
    }
    const page = visibleRows(screenSize().rows);
    const moved = { up: -1, down: 1, pageUp: -page, pageDown: page, home: -Infinity, end: Infinity }[key];
    const plugins = this.#looks?.stats.plugins.length ?? 0;
    this.#from = firstShown({ from: Math.max(0, this.#from + moved), rows: screenSize().rows }, plugins);
  }
}

function screenSize(): { readonly rows: number; readonly columns: number } {
  try {
    const { rows, columns } = Deno.consoleSize();
    return rows > 0 && columns > 0 ? { rows, columns } : FALLBACK;
  } catch {
    return FALLBACK;
  }
}
