import { FILE_HEADER_BYTES } from "../../journal/file_header.ts";
import { withFile } from "../../journal/journal_files.ts";
import { JournalRecord } from "../../journal/record.ts";
import { type AcceptedRecord, DueState, RecordKind } from "../../journal/record_layout.ts";
import { blankWords, RecordReader } from "../../journal/record_reader.ts";
import { inspect } from "../../journal/repair.ts";
import { systemFiles } from "../../journal/system_files.ts";
import type { JsonObject } from "../../plugin.ts";
import { encodingName, errorText, shownParams } from "../../pool/summaries.ts";
import type { Words } from "../../protocol/copy_bytes.ts";
import { stringifyJson } from "../../exact_json.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { DATA_FLAGS, JOURNAL_EXIT_CODES, journalPlace, onJournals } from "./folders.ts";

const MAX_LIMIT = 1_000_000;
const BLOCK_BYTES = 2 ** 20;
const NAMES = new Map<number, string>([
  [RecordKind.Accepted, "accepted"],
  [RecordKind.Attempt, "attempt"],
  [RecordKind.Buried, "buried"],
  [RecordKind.Remembered, "remembered"],
  [RecordKind.Ended, "ended"],
  [RecordKind.Reserved, "reserved"],
  [RecordKind.Closed, "closed"],
]);
const STATES = new Map<number, string>([
  [DueState.Delayed, "delayed"],
  [DueState.Retrying, "retrying"],
  [DueState.Postponed, "postponed"],
]);

export const journalDumpCommand: Command = {
  name: "journal dump",
  summary: "Prints the records of a plugin's journal, the oldest first.",
  usage: "PLUGIN [flags]",
  details: [
    "One JSON object a line. Params over 1 KiB are cut. What it leaves out it tells on stderr, as it does with damage; it changes " +
    "nothing.",
    JOURNAL_EXIT_CODES,
  ],
  flags: [
    { name: "limit", value: "N", default: "100", help: `At most so many: 1 to ${MAX_LIMIT}.` },
    ...DATA_FLAGS,
    { name: "json", help: "Prints one JSON object: the records, and how many were left out." },
  ],
  positionals: true,
  examples: [
    "mevent journal dump orders --data journals",
    "mevent journal dump orders --data journals --limit 5 --json",
  ],
  run: (args, io) =>
    onJournals("journal dump", io, async () => {
      const { plugin, folder } = journalPlace(args, io);
      const limit = args.int("limit", 1, MAX_LIMIT);
      const { log, damages } = inspect(systemFiles, folder, Date.now());
      const records: JsonObject[] = [];
      const all = log.files.reduce((sum, file) => sum + file.records, 0);
      for (const { path, seed, end } of log.files) {
        if (records.length >= limit) break;
        withFile(systemFiles, path, (file) => {
          const reader = new RecordReader(file, FILE_HEADER_BYTES, end, seed, blankWords(BLOCK_BYTES));
          while (records.length < limit && reader.next()) {
            records.push({ file: path, offset: reader.offset, ...shown(reader.words, reader.at) });
          }
        });
      }
      const left = all - records.length;
      if (args.isOn("json") === true) {
        const damage = damages.map(({ path, offset, message }) => ({ path, offset, problem: message }));
        await io.stdout.write(`${stringifyJson({ plugin, folder, records, left_out: left, damage })}\n`);
      } else {
        for (const record of records) await io.stdout.write(`${stringifyJson(record)}\n`);
        if (left > 0) {
          await io.stderr.write(`mevent journal dump: ${left} records were left out; --limit shows more\n`);
        }
        for (const { message } of damages) await io.stderr.write(`mevent journal dump: ${message}\n`);
      }
      return damages.length > 0 ? ExitCode.Data : ExitCode.Ok;
    }),
};

/** A record's fields; times as ISO 8601. */
function shown(record: Words, at: number): JsonObject {
  const kind = JournalRecord.kind(record, at);
  const named = { kind: NAMES.get(kind) ?? String(kind), id: JournalRecord.id(record, at) };
  switch (kind) {
    case RecordKind.Accepted:
      return { ...named, ...shownAccepted(record, at) };
    case RecordKind.Attempt: {
      const due = timeText(JournalRecord.due(record, at));
      return { ...named, attempts: JournalRecord.attempts(record, at), due, state: stateText(record, at) };
    }
    case RecordKind.Buried: {
      const { command, attempts, acceptedAt, failedAt, code, encoding, content, error } = JournalRecord
        .buried(record, at);
      const times = { accepted_at: timeText(acceptedAt), failed_at: timeText(failedAt) };
      const params = {
        bytes: content.length,
        encoding: encodingName(encoding),
        params: shownParams(encoding, content),
      };
      return { ...named, command, attempts, code, error: errorText({ error }), ...times, ...params };
    }
    case RecordKind.Remembered: {
      const { key, code, until, content } = JournalRecord.remembered(record, at);
      return { ...named, key, code, until: timeText(until), bytes: content.length };
    }
    case RecordKind.Ended: {
      const ids: string[] = [];
      for (let run = 0; run < JournalRecord.runs(record, at); run++) {
        const first = JournalRecord.runFirst(record, at, run);
        const count = JournalRecord.runCount(record, at, run);
        ids.push(count === 1 ? String(first) : `${first}-${first + count - 1}`);
      }
      return { kind: named.kind, ids };
    }
    default:
      return kind === RecordKind.Closed ? { kind: named.kind } : named;
  }
}

function shownAccepted(record: Words, at: number): JsonObject {
  const blank: AcceptedRecord = {
    ...{
      id: 0,
      command: 0,
      encoding: 0,
      hops: 0,
      keyed: false,
      attempts: 0,
      acceptedAt: 0,
      delay: 0,
      due: 0,
    },
    state: DueState.Delayed,
  };
  const { command, encoding, keyed, attempts, acceptedAt, due } = JournalRecord.accepted(record, at, blank);
  const from = JournalRecord.contentAt(at);
  const content = record.bytes.slice(from, from + JournalRecord.contentLength(record, at));
  return {
    command,
    accepted_at: timeText(acceptedAt),
    keyed,
    attempts,
    due: timeText(due),
    bytes: content.length,
    encoding: encodingName(encoding),
    params: shownParams(encoding, content),
  };
}

function stateText(record: Words, at: number): string {
  const state = JournalRecord.state(record, at);
  return STATES.get(state) ?? String(state);
}

function timeText(time: number): string | null {
  return time === 0 ? null : new Date(time).toISOString();
}
