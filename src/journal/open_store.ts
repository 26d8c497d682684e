import { systemReason } from "../system_reason.ts";
import { JournalError } from "./journal_error.ts";
import { JournalStore, type StoreParts } from "./journal_store.ts";

/** A journal that is open, and the lock that keeps others from it. */
export interface OpenStore {
  readonly store: JournalStore;
  readonly lock: Disposable;
}

/** Makes the journal's folder where it is not there, locks it, and opens the journal. Throws JournalError. */
export function openStore(parts: StoreParts): OpenStore {
  const { folder } = parts.request;
  let lock: Disposable | null = null;
  try {
    lock = lockFolder(parts);
    return { store: new JournalStore(parts), lock };
  } catch (error) {
    lock?.[Symbol.dispose]();
    if (error instanceof JournalError) throw error;
    throw new JournalError(
      "system",
      `the journal in ${folder} cannot be opened: ${systemReason(error, "file")}`,
    );
  }
}

/** Takes the lock of a journal's folder; throws JournalError where another has it, and what the system says. */
export function lockFolder({ files, request: { folder } }: LockParts): Disposable {
  files.makeFolder(folder);
  const lock = files.lock(`${folder}/lock`);
  if (lock !== null) return lock;
  throw new JournalError(
    "locked",
    `the journal in ${folder} is open in another server: two must never write one`,
  );
}

/** What a lock is of. */
export interface LockParts extends Pick<StoreParts, "files"> {
  readonly request: Pick<StoreParts["request"], "folder">;
}
