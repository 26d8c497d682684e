import { concat } from "../../../src/protocol/bytes.ts";
import { type DrainProtocol, QUEUE } from "./drain_protocol.ts";

/** Questions that are on their way. */
const UNDER_WAY = 200;
/** The kinds of packets that a worker of gearmand's sends and gets. */
const CAN_DO = 1;
const PRE_SLEEP = 4;
const NOOP = 6;
const GRAB_JOB = 9;
const NO_JOB = 10;
const JOB_ASSIGN = 11;
const WORK_COMPLETE = 13;
const HEAD_BYTES = 12;

/** Grabs jobs; where there is none it sleeps until it is told that there is one. */
export class GearmanDrain implements DrainProtocol {
  count = 0;
  readonly first: Uint8Array;
  #grabs = UNDER_WAY;
  readonly #next: Uint8Array[] = [];

  constructor() {
    this.#send(CAN_DO, new TextEncoder().encode(QUEUE));
    this.#grab(UNDER_WAY);
    this.first = this.#taken();
  }

  take(bytes: Uint8Array): { taken: number; next: Uint8Array } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let taken = 0;
    while (bytes.length - taken >= HEAD_BYTES) {
      const kind = view.getUint32(taken + 4);
      const body = taken + HEAD_BYTES;
      const end = body + view.getUint32(taken + 8);
      if (end > bytes.length) break;
      this.#answer(kind, bytes.subarray(body, end));
      taken = end;
    }
    return { taken, next: this.#taken() };
  }

  #answer(kind: number, body: Uint8Array): void {
    if (kind === JOB_ASSIGN) {
      this.count++;
      // The handle with its 0 is all that is sent back: no client waits for a result.
      this.#send(WORK_COMPLETE, body.slice(0, body.indexOf(0) + 1));
      // One for this one; a second one for those that found nothing before.
      const grabs = Math.min(2, UNDER_WAY - --this.#grabs);
      this.#grabs += grabs;
      this.#grab(grabs);
    } else if (kind === NO_JOB) {
      if (--this.#grabs === 0) this.#send(PRE_SLEEP);
    } else if (kind === NOOP) {
      if (this.#grabs > 0) return;
      this.#grabs = UNDER_WAY;
      this.#grab(UNDER_WAY);
    } else throw new Error(`gearmand answers a packet of kind ${kind}: ${new TextDecoder().decode(body)}`);
  }

  #grab(times: number): void {
    for (let i = 0; i < times; i++) this.#send(GRAB_JOB);
  }

  #send(kind: number, body = new Uint8Array(0)): void {
    const packet = new Uint8Array(HEAD_BYTES + body.length);
    packet.set([0, 0x52, 0x45, 0x51]); // "\0REQ"
    const view = new DataView(packet.buffer);
    view.setUint32(4, kind);
    view.setUint32(8, body.length);
    packet.set(body, HEAD_BYTES);
    this.#next.push(packet);
  }

  #taken(): Uint8Array {
    const all = concat(this.#next);
    this.#next.length = 0;
    return all;
  }
}
