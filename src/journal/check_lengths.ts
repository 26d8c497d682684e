import { maxRecordBytes } from "../ring/ring.ts";
import type { Batch } from "./batch.ts";
import { JournalError } from "./journal_error.ts";
import type { Log } from "./log.ts";
import type { OpenRequest } from "./messages.ts";
import { LOADED_HEADER_BYTES } from "./news.ts";
import { JournalRecord } from "./record.ts";
import { ACCEPTED_HEADER_BYTES, RecordKind } from "./record_layout.ts";
import { acceptedBytes } from "./write_record.ts";

type Bounds = Pick<OpenRequest, "folder" | "news" | "maxContentBytes">;

/**
 * Throws JournalError where a record that counts is longer than what the main thread and the workers can be given: a server with
 * a larger `max_frame` has written it.
 */
export function checkLengths(log: Log, salvaged: Batch, { folder, news, maxContentBytes }: Bounds): void {
  const most = {
    [RecordKind.Accepted]: acceptedBytes(maxContentBytes),
    [RecordKind.Buried]: maxRecordBytes(news) - LOADED_HEADER_BYTES,
    [RecordKind.Remembered]: maxRecordBytes(news) - LOADED_HEADER_BYTES,
  };
  const check = (kind: number, bytes: number) => {
    const bound = most[kind as keyof typeof most] ?? Infinity;
    if (bytes <= bound) return;
    throw new JournalError(
      "system",
      `the journal in ${folder} has a record of ${bytes} bytes, and max_frame allows for ${bound}: ` +
        `start with max_frame = ${bytes - ACCEPTED_HEADER_BYTES} or more until that is worked off`,
    );
  };
  for (const kind of [RecordKind.Accepted, RecordKind.Buried, RecordKind.Remembered]) {
    check(kind, log.places.largest(kind));
  }
  for (const at of salvaged.records()) {
    check(JournalRecord.kind(salvaged, at), JournalRecord.bytes(salvaged, at));
  }
}
