import type { LaneId } from "../queue/operation_queue.ts";
import type { ToHost } from "../ring/messages.ts";

/** What runs a plugin host: a Web Worker of this process, or of a child process. The rings are shared or mirrored. */
export interface Thread {
  post(message: ToHost): void;
  /** Operations were published in the rings. */
  published(): void;
  /** Room of the reply rings was given back. */
  released(): void;
  /** Whether an operation has gone where its claim cannot be told from here: {@link askBack} gets those back. */
  isAway(lane: LaneId, position: number): boolean;
  /** Asks for what is away and not begun; false where there is nobody to ask. {@link ThreadEvents.returned} answers. */
  askBack(): boolean;
  /** Threads of this process that came with it, by their ids, as far as they are known. */
  readonly threads: readonly string[];
  /** Of the child process; null where there is none. */
  readonly pid: number | null;
  /** Ends it now, as far as it can be ended. */
  terminate(): void;
  /** Resolves when all that it holds of this process is given back; after {@link terminate}. */
  readonly ended: Promise<void>;
}

/** What it tells. */
export interface ThreadEvents {
  /** The plugin host, or the plugin, has posted it. */
  message(data: unknown): void;
  /** Replies have come, where the rings' own bell is not enough. */
  replies(): void;
  /** Pairs of slot and sequence: they will not be begun. */
  returned(pairs: readonly number[]): void;
  /** It has ended by itself, or is of no use. */
  failed(reason: string): void;
}

export type StartThread = (events: ThreadEvents) => Thread;
