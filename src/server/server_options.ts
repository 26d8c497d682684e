import type { PackedPage } from "../admin/packed_page.ts";
import type { Config } from "../config/config.ts";
import type { ReadFile } from "../config/config_file.ts";
import type { JournalsOptions } from "../durable/journals.ts";
import type { Log } from "../observe/log.ts";

/** What a server is started with. */
export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  /** Serves with Deno's own sockets also where epoll could be had. */
  readonly portableSockets?: boolean;
  /** A module that is loaded beside others, for what it declares, gets so long, in ms; without it, 3 s. */
  readonly surveyMs?: number | undefined;
  /** Tells where the control socket belongs: XDG_RUNTIME_DIR, TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
  /** Aborted where the server is to stop before it has started; and where it is not to wait for anything in that. */
  readonly stop?: AbortSignal;
  readonly stopNow?: AbortSignal;
  /** Starts the journals' thread; without it, one that writes to the disk. */
  readonly journalThread?: JournalsOptions["start"];
  /** Reads the config again, from where it came, on another thread; throws where it cannot be used. Without it, a reload is handed one. */
  readonly loadConfig?: (read: ReadFile) => Config | Promise<Config>;
  /** Told when a reload begins, and when it is over. */
  readonly reloading?: ((isReloading: boolean) => void) | undefined;
  /** The page for those who run it; without it there is none. */
  readonly page?: () => Promise<PackedPage>;
}
