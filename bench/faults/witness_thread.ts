/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="deno.unstable" />
import { Random } from "../fuzz/random.ts";
import { GoodClient } from "../support/good_client.ts";
import { haveOwnCore } from "./own_core.ts";
import { WITNESS } from "./faulty_server.ts";
import type { FromWitness, ToWitness } from "./witnesses.ts";

// The thread of the good clients: what they wait for is the server alone, not the bench's own work, nor a core.

const post = (message: FromWitness) => self.postMessage(message);
let isOver = false;
let clients: readonly GoodClient[] = [];
let times: number[] = [];

self.onmessage = ({ data }: MessageEvent<ToWitness>) => {
  if (data.kind === "start") start(data);
  else if (data.kind === "take") {
    post({ kind: "times", times });
    times = [];
  } else isOver = true;
};

async function start({ address, seed, count, token }: Extract<ToWitness, { kind: "start" }>): Promise<void> {
  try {
    post({ kind: "priority", hasOwnCore: haveOwnCore() });
    clients = await Promise.all(
      Array.from(
        { length: count },
        (_, index) => GoodClient.connect(address, WITNESS, new Random(seed, index), 1),
      ),
    );
    if (token !== undefined) await Promise.all(clients.map((client) => client.login(token)));
    for (const client of clients) client.onBatch = (microseconds) => times.push(microseconds);
    post({ kind: "started" });
    await Promise.all(clients.map((client) => client.run(() => isOver)));
    post({ kind: "ended", failure: undefined });
  } catch (error) {
    post({ kind: "ended", failure: error instanceof Error ? error.message : String(error) });
  }
  for (const client of clients) client[Symbol.dispose]();
}
