import { stringifyJson } from "../exact_json.ts";
import type { LiveRecord } from "../pool/live_record.ts";
import { errorText, shownParams } from "../pool/summaries.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import { type KeptResult, SENTENCE, TOO_LARGE } from "../results/result_record.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { endedGeneration, letterGeneration, liveGeneration } from "./generation.ts";
import type { OperationRow } from "./told.ts";

/** Of params in a list, in UTF-16 units. */
const MAX_SHOWN = 200;
const decoder = new TextDecoder();

/** A plugin whose operations are looked at. */
export interface LookedAtPlugin extends Pick<RoutedPlugin, "name" | "queue" | "results" | "operationId"> {
  readonly pool: Pick<RoutedPlugin["pool"], "holders" | "dead" | "declaration">;
}

/** What rows are made with. */
export interface RowMaker<P extends LookedAtPlugin = LookedAtPlugin> {
  readonly plugin: P;
  /** Params, errors and notes are shown. */
  readonly seesParams: boolean;
  /** Monotonic, in ms. */
  readonly now: number;
  /** What monotonic times count from, in ms since 1970. */
  readonly zero: number;
}

export function liveRow(maker: RowMaker, record: LiveRecord): OperationRow {
  const { plugin, now, zero, seesParams } = maker;
  const { state, lane, segment, offset, due, progress } = record;
  const number = plugin.queue.idOf(lane, segment, offset);
  const acceptedAt = OperationRecord.acceptedAt(segment, offset);
  const command = OperationRecord.command(segment, offset);
  const length = OperationRecord.contentLength(segment, offset);
  const encoding = OperationRecord.encoding(segment, offset);
  return {
    id: plugin.operationId(number, acceptedAt),
    number,
    state,
    command,
    command_name: commandName(plugin, command),
    sync: lane === LaneId.Sync,
    attempts: attemptsOf(record),
    accepted_at: Math.round(zero + acceptedAt),
    age_ms: Math.round(now - acceptedAt),
    due_in_ms: due === null ? null : Math.max(0, Math.round(due - now)),
    ended_at: null,
    bytes: length,
    generation: liveGeneration(record),
    error: null,
    progress: progress === null ? null : { ...progress, note: seesParams ? progress.note : "" },
    params: seesParams ? paramsText(encoding, contentOf(record)) : null,
  };
}

export function letterRow({ plugin, now, zero, seesParams }: RowMaker, letter: DeadLetter): OperationRow {
  const { id, command, attempts, acceptedAt, failedAt, encoding, content } = letter;
  return {
    id: plugin.operationId(id, acceptedAt),
    number: id,
    state: "dead",
    command,
    command_name: commandName(plugin, command),
    sync: false,
    attempts,
    accepted_at: Math.round(zero + acceptedAt),
    age_ms: Math.round(now - acceptedAt),
    due_in_ms: null,
    ended_at: Math.round(zero + failedAt),
    bytes: content.length,
    generation: letterGeneration(letter),
    error: seesParams ? errorText(letter) : null,
    progress: null,
    params: seesParams ? paramsText(encoding, content) : null,
  };
}

/** @param isBuried there is a dead letter of it */
export function endedRow(
  { plugin, now, zero, seesParams }: RowMaker,
  kept: KeptResult,
  isBuried: boolean,
): OperationRow {
  const { id, command, attempts, acceptedAt, endedAt, content } = kept;
  const isKnown = !Number.isNaN(acceptedAt);
  return {
    id: plugin.operationId(id, isKnown ? acceptedAt : 0),
    number: id,
    state: isBuried ? "dead" : kept.state,
    command,
    command_name: commandName(plugin, command),
    sync: false,
    attempts,
    accepted_at: isKnown ? Math.round(zero + acceptedAt) : null,
    age_ms: isKnown ? Math.round(now - acceptedAt) : null,
    due_in_ms: null,
    ended_at: Math.round(zero + endedAt),
    bytes: content.length,
    generation: endedGeneration(kept),
    error: seesParams ? keptError(kept) : null,
    progress: null,
    params: null,
  };
}

/** Why an operation has ended; null where that was well, or is not known. */
export function keptError({ state, encoding, content }: KeptResult): string | null {
  if (state === "done" || encoding === TOO_LARGE) return null;
  return errorText({ error: encoding === SENTENCE ? decoder.decode(content) : { encoding, content } });
}

/** A copy that is no shared memory, for texts are made of it; at most so many bytes. */
export function contentOf(
  { segment, offset }: Pick<LiveRecord, "segment" | "offset">,
  most = Infinity,
): Uint8Array {
  const at = OperationRecord.contentAt(offset);
  const length = Math.min(most, OperationRecord.contentLength(segment, offset));
  return Uint8Array.from(segment.bytes.subarray(at, at + length));
}

export function attemptsOf({ segment, offset }: Pick<LiveRecord, "segment" | "offset">): number {
  return OperationRecord.isCancelled(segment, offset) ? 0 : OperationRecord.attempts(segment, offset);
}

export function commandName({ pool }: Pick<LookedAtPlugin, "pool">, command: number): string {
  return pool.declaration?.commands.find(({ number }) => number === command)?.name ?? "";
}

function paramsText(encoding: number, content: Uint8Array): string {
  const shown = shownParams(encoding, content);
  const text = typeof shown === "string" ? shown : stringifyJson(shown);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
