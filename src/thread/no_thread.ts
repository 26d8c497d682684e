import type { Thread, ThreadEvents } from "./thread.ts";

/** What stands for a thread that could not be started: it has failed as soon as anybody can be told. */
export class NoThread implements Thread {
  readonly ended = Promise.resolve();
  readonly threads = [];
  readonly pid = null;

  constructor(reason: string, events: ThreadEvents) {
    queueMicrotask(() => events.failed(reason));
  }

  post(): void {}

  published(): void {}

  released(): void {}

  isAway(): boolean {
    return false;
  }

  askBack(): boolean {
    return false;
  }

  terminate(): void {}
}
