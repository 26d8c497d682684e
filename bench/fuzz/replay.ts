import { setTimeout as pause } from "node:timers/promises";
import { loadLibc, MSG_DONTWAIT } from "../../src/net/libc.ts";
import { GoodClient } from "../support/good_client.ts";
import { NativeSocket } from "../support/native_socket.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import { faultOf } from "./campaign.ts";
import { openDatagramSocket } from "./datagram_channel.ts";
import { WITNESS } from "./fuzz_server.ts";
import { Random } from "./random.ts";
import { Route, type Sent } from "./recorder.ts";

/** The server gets so long to take a write that does not fit its socket, in ms. */
const PATIENCE_MS = 1000;
/** After all of it: what was queued may still run, in ms. */
const SETTLE_MS = 1000;

/** Sends again what was recorded, connection by connection; what went wrong, or undefined. */
export async function replay(server: WatchedServer, record: readonly Sent[]): Promise<string | undefined> {
  const library = loadLibc();
  if (library === null) throw new Error("fuzzing needs Linux");
  const libc = library.symbols;
  const datagrams = await openDatagramSocket(libc, server.tcp);
  const sockets = new Map<number, NativeSocket>();
  const scratch = new Uint8Array(64 * 1024);
  try {
    for (const { route, connection, bytes } of record) {
      if (server.process.hasEnded) break;
      if (route === Route.Udp) {
        libc.send(datagrams, bytes, bytes.length, MSG_DONTWAIT);
        while (libc.recv(datagrams, scratch, scratch.length, MSG_DONTWAIT) > 0);
        continue;
      }
      let socket = sockets.get(connection);
      if (socket === undefined) {
        [socket] = await NativeSocket.dial(libc, route === Route.Tcp ? server.tcp : server.unix, 1);
        if (socket === undefined) continue;
        sockets.set(connection, socket);
      }
      await sendAll(socket, bytes, scratch);
    }
    await pause(SETTLE_MS);
    const fault = faultOf(server);
    if (fault !== undefined) return fault;
    using good = await GoodClient.connect(server.tcp, WITNESS, new Random(1));
    await good.batch();
    return faultOf(server);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const socket of sockets.values()) socket.close();
    libc.close(datagrams);
    library.close();
  }
}

async function sendAll(
  socket: NativeSocket,
  bytes: Uint8Array<ArrayBuffer>,
  scratch: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let at = 0; at < bytes.length;) {
    while (socket.receive(scratch) > 0);
    const count = socket.send(bytes.subarray(at));
    if (count > 0) at += count;
    else if (performance.now() > deadline) return;
    else await pause(1);
  }
}
