import type { JsonValue } from "../plugin.ts";
import type { FailedTry } from "../pool/attempt_history.ts";
import type { LiveState } from "../pool/live_state.ts";
import { errorText } from "../pool/summaries.ts";
import { decodeContent, type Encoding } from "../protocol/body.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { OperationRecord } from "../queue/record.ts";
import { type KeptResult, TOO_LARGE } from "../results/result_record.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { FoundOperation } from "./find_operation.ts";
import { generationOf } from "./find_operation.ts";
import { commandName, contentOf, endedRow, letterRow, liveRow, type RowMaker } from "./operation_row.ts";
import type { OperationEvent, OperationFacts, OperationRow } from "./told.ts";

/** Params and results that are longer are not shown whole, in bytes. */
const MAX_SHOWN_BYTES = 256 * 1024;

/** @param id as everybody knows it */
export function operationFacts(
  maker: RowMaker<RoutedPlugin>,
  id: string,
  number: number,
  found: FoundOperation,
): OperationFacts {
  const { plugin, seesParams } = maker;
  const tries = plugin.pool.outcomes.attempts.of(number);
  const params = seesParams ? paramsOf(found) : UNSEEN;
  const kept = found.kind === "ended" || found.kind === "dead" ? found.kept : null;
  const result = seesParams && kept?.state === "done" ? shown(kept.encoding, kept.content) : UNSEEN;
  const row = { ...rowOf(maker, number, found), id };
  const retried = kept?.retried ?? null;
  return {
    ...row,
    plugin: plugin.name,
    timeline: timelineOf(maker, found, tries, row),
    full_params: params.value,
    params_truncated: params.isCut,
    result: result.value,
    result_truncated: result.isCut,
    code: codeOf(found),
    retried_as: retried === null ? null : plugin.operationId(retried.id, retried.acceptedAt),
    lost: kept?.encoding === TOO_LARGE ? "what it came to was larger than results.max_bytes" : null,
    can: canOf(found, seesParams && params.value !== null),
  };
}

interface Shown {
  readonly value: JsonValue;
  readonly isCut: boolean;
}

const UNSEEN: Shown = { value: null, isCut: false };

function paramsOf(found: FoundOperation): Shown {
  if (found.kind === "dead") return shown(found.letter.encoding, found.letter.content);
  if (found.kind !== "live") return UNSEEN;
  const { segment, offset } = found.record;
  if (OperationRecord.contentLength(segment, offset) > MAX_SHOWN_BYTES) return { value: null, isCut: true };
  return shown(OperationRecord.encoding(segment, offset), contentOf(found.record));
}

/** What does not decode is a text, and cut. */
function shown(encoding: number, content: Uint8Array): Shown {
  if (encoding === 0 || encoding === TOO_LARGE) return UNSEEN;
  if (content.length > MAX_SHOWN_BYTES) return { value: null, isCut: true };
  try {
    return {
      value: decodeContent(encoding as Encoding, content, HIGHEST_CONTENT_LIMITS),
      isCut: false,
    };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { value: null, isCut: true };
  }
}

function rowOf(maker: RowMaker, number: number, found: FoundOperation): OperationRow {
  switch (found.kind) {
    case "live":
      return liveRow(maker, found.record);
    case "dead":
      return letterRow(maker, found.letter);
    case "ended":
      return endedRow(maker, found.kept, false);
    case "away":
      return awayRow(maker, number, found);
  }
}

function awayRow(
  { plugin, now, zero, seesParams }: RowMaker,
  number: number,
  found: { readonly kind: "away"; readonly live: LiveState },
): OperationRow {
  const { state, command, attempts, acceptedAt, due, progress } = found.live;
  const isKnown = !Number.isNaN(acceptedAt);
  return {
    id: "",
    number,
    state,
    command,
    command_name: commandName(plugin, command),
    sync: false,
    attempts,
    accepted_at: isKnown ? Math.round(zero + acceptedAt) : null,
    age_ms: isKnown ? Math.round(now - acceptedAt) : null,
    due_in_ms: due === null ? null : Math.max(0, Math.round(due - now)),
    ended_at: null,
    bytes: 0,
    generation: generationOf(found),
    error: null,
    progress: progress === null ? null : { ...progress, note: seesParams ? progress.note : "" },
    params: null,
  };
}

function codeOf(found: FoundOperation): number | null {
  if (found.kind === "dead") return found.letter.code;
  return found.kind === "ended" && found.kept.code !== 0 ? found.kept.code : null;
}

function canOf(found: FoundOperation, hasParams: boolean): ("cancel" | "retry" | "send")[] {
  const send = hasParams ? ["send" as const] : [];
  if (found.kind === "dead") return ["retry", ...send];
  return found.kind === "ended" ? send : ["cancel", ...send];
}

/** What is known of its steps: attempts that failed before a restart, or before those that are kept, are counted alone. */
function timelineOf(
  { zero, seesParams }: RowMaker,
  found: FoundOperation,
  tries: readonly FailedTry[],
  row: OperationRow,
): OperationEvent[] {
  const none = { at: null, attempt: null, code: null, message: null, until_at: null, worker: null };
  const timeOf = (time: number) => Math.round(zero + time);
  const events: OperationEvent[] = [{ ...none, kind: "accepted", at: row.accepted_at }];
  for (const { attempt, at, until, code, error } of tries) {
    const message = seesParams ? errorText({ error }) : null;
    events.push({ ...none, kind: "failed", at: timeOf(at), attempt, code, message });
    events.push({ ...none, kind: "waiting", at: timeOf(at), attempt: attempt + 1, until_at: timeOf(until) });
  }
  if (found.kind === "live") {
    const { state, due, worker } = found.record;
    if (state === "running") events.push({ ...none, kind: "begun", attempt: row.attempts + 1, worker });
    else if (due !== null && tries.at(-1)?.until !== due) {
      events.push({ ...none, kind: "waiting", attempt: row.attempts + 1, until_at: timeOf(due) });
    }
  } else if (found.kind !== "away") {
    const attempt = row.attempts === 0 ? null : row.attempts;
    const kind = found.kind === "dead" ? "dead" : endKind(found.kept);
    events.push({ ...none, kind, at: row.ended_at, attempt, code: codeOf(found), message: row.error });
  }
  return events;
}

function endKind({ state }: KeptResult): OperationEvent["kind"] {
  return state;
}
