import { LaneId } from "../queue/operation_queue.ts";
import { MAX_HOPS, OperationRecord } from "../queue/record.ts";
import type { InFlight } from "../pool/in_flight.ts";
import type { OperationPlace } from "../ring/messages.ts";
import type { ReplyRoutes, ReplyTarget } from "./reply_routes.ts";

/** Who calls for a worker. */
export interface WorkerCaller {
  readonly worker: { readonly inFlight: InFlight };
  /** The operation that waits for the call with that id; null where there is none. */
  operationOf(id: number): OperationPlace | null;
}

/**
 * Where operations keep a place until the one at `place` has ended: that one itself, and each that was called by the next.
 * Nothing of it is kept anywhere: a sync operation's record says whom to answer, and who is answered knows which of its
 * operations has asked.
 */
export function* placesHeld(
  caller: WorkerCaller,
  place: OperationPlace,
  routes: ReplyRoutes,
  isCaller: (target: ReplyTarget | null) => target is ReplyTarget & WorkerCaller,
): Generator<{ readonly inFlight: InFlight; readonly part: number }> {
  for (let hops = 0; hops <= MAX_HOPS; hops++) {
    const { inFlight } = caller.worker;
    const segment = inFlight.segment(place.slot, place.sequence);
    if (segment === null) return;
    yield { inFlight, part: inFlight.part(place.slot) };
    // The caller of an async one has been answered.
    if (inFlight.lane(place.slot) !== LaneId.Sync) return;
    const offset = inFlight.offset(place.slot);
    const { routeSlot, routeGeneration, requestId } = OperationRecord.addressee(segment, offset);
    const next = routes.target(routeSlot, routeGeneration);
    if (!isCaller(next)) return;
    const waiting = next.operationOf(requestId);
    if (waiting === null) return;
    caller = next;
    place = waiting;
  }
}
