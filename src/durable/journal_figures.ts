import type { Committed, JournalState } from "../journal/news.ts";
import { LatencyTotal } from "../observe/latency_histogram.ts";
import type { JournalStats } from "../observe/server_stats.ts";

/** The thread tells its figures about once a second; a rate is not made of less than this, in s, and holds for so long, in ms. */
const MIN_RATE_S = 0.2;
const STATE_MS = 3000;

/** What operators are told of a plugin's journal, of what its thread has told. */
export class JournalFigures {
  #state: JournalState["figures"] | null = null;
  #at = 0;
  /** Commits at {@link #at}, and a second since. */
  #commits = 0;
  #rate = 0;

  constructor(readonly now: () => number) {}

  note({ figures }: JournalState): void {
    const time = this.now();
    const seconds = (time - this.#at) / 1000;
    this.#state = figures;
    if (seconds < MIN_RATE_S) return;
    this.#rate = Math.round((figures.commits - this.#commits) / seconds);
    this.#commits = figures.commits;
    this.#at = time;
  }

  /** With what the main thread knows itself. */
  stats(
    own: Pick<
      JournalStats,
      | "problem"
      | "cleanup_problem"
      | "disk_level"
      | "unsynced"
      | "unsynced_bytes"
      | "spilled"
      | "max_disk"
      | "refused"
    >,
    committed: Committed,
  ): JournalStats {
    const figures = this.#state;
    return {
      ...own,
      files: figures?.files ?? 0,
      disk_bytes: committed.diskBytes,
      live_bytes: committed.liveBytes,
      free_bytes: figures?.freeBytes ?? null,
      failures: figures?.failures ?? 0,
      commits: figures?.commits ?? 0,
      commits_per_second: this.now() - this.#at > STATE_MS ? 0 : this.#rate,
      commit_us_last_minute: { p50: figures?.commitP50 ?? 0, p99: figures?.commitP99 ?? 0 },
      commit_histogram: figures?.commitTimes ?? new LatencyTotal().classic,
    };
  }
}
