import { setTimeout as pause } from "node:timers/promises";
import type { StreamAddress } from "../../src/client/mod.ts";
import type { Libc } from "../../src/net/libc.ts";
import type { LoopbackAddresses } from "../support/loopback_addresses.ts";
import { NativeSocket } from "../support/native_socket.ts";
import type { Intruder } from "./intruders.ts";

/** So few that they come one after the other, as from many machines. */
const DIAL_BATCH = 4;
/** A try that is not answered for so long has been lost, in ms. */
const LOST_MS = 60_000;
/** Connections that are looked at in a millisecond. */
const LOOKED_AT = 64;
const PRIO_PROCESS = 0;
/** Behind all others: those who try compute on machines of their own, not on the server's. */
const LAST = 19;

export interface ScanPlan {
  readonly libc: Libc;
  readonly address: StreamAddress;
  readonly intruder: Intruder;
  readonly tries: number;
  /** Connections at a time. */
  readonly atOnce: number;
  /** Where they come from. */
  readonly sources: LoopbackAddresses;
}

/** What came of the tries. */
export interface Scan {
  /** By what {@link Intruder.answer} tells; 0 where the connection ended without an answer. */
  readonly answers: Map<number, number>;
  readonly ms: number;
}

/** Tries so often, a connection each, so many at a time; this thread gets what the server leaves of the machine. */
export async function scan({ libc, address, intruder, tries, atOnce, sources }: ScanPlan): Promise<Scan> {
  const answers = new Map<number, number>();
  const open: { readonly socket: NativeSocket; readonly at: number }[] = [];
  const scratch = new Uint8Array(4096);
  libc.setpriority(PRIO_PROCESS, 0, LAST);
  const begun = performance.now();
  let sent = 0;
  let at = 0;
  while (sent < tries || open.length > 0) {
    const wanted = Math.min(DIAL_BATCH, tries - sent, atOnce - open.length);
    const sockets = wanted > 0 ? await NativeSocket.dial(libc, address, wanted, sources.bind) : [];
    for (const socket of sockets) {
      const message = intruder.message();
      if (socket.send(message) !== message.length) throw new Error("a socket took no message");
      open.push({ socket, at: performance.now() });
      sent++;
    }
    for (let looked = 0; looked < LOOKED_AT && open.length > 0; looked++) {
      at = (at + 1) % open.length;
      const one = open[at]!;
      const count = one.socket.receive(scratch);
      if (count < 0 && performance.now() - one.at < LOST_MS) continue;
      const answer = count > 0 ? intruder.answer(scratch.subarray(0, count)) : 0;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      one.socket.close();
      const last = open.pop()!;
      if (last !== one) open[at] = last;
    }
    await pause(1);
  }
  return { answers, ms: performance.now() - begun };
}
