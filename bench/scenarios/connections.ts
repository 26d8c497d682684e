import { setTimeout as pause } from "node:timers/promises";
import { encodeBody, Encoding } from "../../src/client/mod.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import { memoryOf } from "../support/memory_of.ts";
import { MeventServer } from "../support/mevent_server.ts";
import type { Scenario } from "./scenario.ts";
import { ECHO_NOTHING, ScenarioLoads } from "./loads.ts";

const CONNECTIONS = 10_000;
/** Opened at the same time. */
const BATCH = 100;
/** Memory is read after so long, in ms. */
const SETTLE_MS = 2000;

/** What connections cost that do nothing. */
export const connectionsScenario: Scenario = {
  name: "connections",
  title: "10,000 idle connections",
  async measure({ mevent, loadgen }) {
    await using server = await MeventServer.start(mevent);
    await new ScenarioLoads(loadgen, server).warmUp();
    await pause(SETTLE_MS);
    const before = memoryOf(server.pid).resident;
    const open: Deno.TcpConn[] = [];
    try {
      const began = performance.now();
      for (let count = 0; count < CONNECTIONS; count += BATCH) {
        const batch = Array.from(
          { length: BATCH },
          () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
        );
        open.push(...await Promise.all(batch));
      }
      const seconds = (performance.now() - began) / 1000;
      await pause(SETTLE_MS);
      const silent = memoryOf(server.pid).resident;
      for (let at = 0; at < CONNECTIONS; at += BATCH) {
        await Promise.all(open.slice(at, at + BATCH).map(askOnce));
      }
      await pause(SETTLE_MS);
      const used = memoryOf(server.pid).resident;
      return [
        {
          what: "RSS per connection that never sent anything",
          value: (silent - before) / CONNECTIONS,
          unit: "bytes",
          wanted: "< 8,192",
        },
        {
          what: "RSS per connection that is idle after one sync request",
          value: (used - before) / CONNECTIONS,
          unit: "bytes",
          wanted: "< 8,192",
        },
        { what: "connections opened", value: CONNECTIONS / seconds, unit: "rate" },
      ];
    } finally {
      for (const connection of open) connection.close();
    }
  },
};

const REQUEST = writeRequest({
  id: 1,
  command: ECHO_NOTHING.command,
  sync: true,
  plugin: ECHO_NOTHING.plugin,
  body: encodeBody(Encoding.Json, { note: "x".repeat(88) }),
}, true);
const REPLY_BYTES = 12;

async function askOnce(connection: Deno.TcpConn): Promise<void> {
  await connection.write(REQUEST);
  const count = await connection.read(new Uint8Array(64));
  if (count !== REPLY_BYTES) throw new Error(`a reply of ${count} bytes instead of ${REPLY_BYTES}`);
}
