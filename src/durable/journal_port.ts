import type { FromJournal, ToJournal } from "../journal/messages.ts";
import { systemReason } from "../system_reason.ts";
import { outOfRealtime } from "../thread/scheduling.ts";
import type { JournalPort } from "./journals.ts";
import { makeDataFolder } from "./make_data_folder.ts";

/** Starts the journals' thread, which may read and write below the folder `data` and nothing else; that is made first. */
export function startJournalThread(
  take: (message: FromJournal) => void,
  failed: (problem: string) => void,
  data: string,
): JournalPort {
  const url = new URL("../journal/journal_thread.ts", import.meta.url);
  const none = { net: false, env: false, run: false, ffi: false, import: false } as const;
  // What is left on the file system is a figure of the system.
  const permissions = { ...none, read: [data], write: [data], sys: ["statfs"] };
  const thread = outOfRealtime(() =>
    new Worker(url, { type: "module", name: "journal", deno: { permissions } })
  );
  thread.onmessage = ({ data }: MessageEvent<FromJournal>) => take(data);
  thread.onerror = (event) => {
    event.preventDefault();
    failed(event.message);
  };
  const made = makeDataFolder(data).then(
    () => null,
    (error) => `the journals in ${data} cannot be opened: ${systemReason(error, "file")}`,
  );
  const post = async (message: ToJournal) => {
    const problem = await made;
    if (problem === null || message.kind !== "open") return thread.postMessage(message);
    take({ kind: "unopened", plugin: message.plugin, reason: "system", problem });
  };
  return {
    post: (message) => void post(message),
    terminate: () => thread.terminate(),
  };
}
