import type { FromJournal, ToJournal } from "../journal/messages.ts";
import { outOfRealtime } from "../thread/scheduling.ts";
import type { JournalPort } from "./journals.ts";

/** Starts the journal's thread. */
export function startJournalThread(
  take: (message: FromJournal) => void,
  failed: (problem: string) => void,
): JournalPort {
  const url = new URL("../journal/journal_thread.ts", import.meta.url);
  const thread = outOfRealtime(() => new Worker(url, { type: "module", name: "journal" }));
  thread.onmessage = ({ data }: MessageEvent<FromJournal>) => take(data);
  thread.onerror = (event) => {
    event.preventDefault();
    failed(event.message);
  };
  return {
    post: (message: ToJournal) => thread.postMessage(message),
    terminate: () => thread.terminate(),
  };
}
