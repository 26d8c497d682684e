import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../support/free_port.ts";
import type { Loadgen } from "../loadgen.ts";
import { memoryOf } from "../support/memory_of.ts";
import { MeventServer } from "../support/mevent_server.ts";
import type { Scenario } from "./scenario.ts";
import { GATE, ScenarioLoads } from "./loads.ts";

const OPERATIONS = 1_000_000;
/** Memory is read after so long without a load, in ms. */
const SETTLE_MS = 2000;
/** Memory is to be back after so long, in ms. */
const BACK_AFTER_MS = 30_000;

/** What a million queued operations cost: memory, stalls of the main thread, and whether the memory comes back. */
export const millionScenario: Scenario = {
  name: "million",
  title: "1,000,000 operations queued for a stuck plugin, then worked off",
  async measure({ mevent, loadgen }) {
    const mockStall = await stallOfMock(loadgen);
    await using server = await MeventServer.start(mevent);
    const loads = new ScenarioLoads(loadgen, server);
    await loads.warmUp();
    await pause(SETTLE_MS);
    const idle = loads.probe();
    await pause(SETTLE_MS);
    const idleStall = (await idle.end()).max_us;
    const before = memoryOf(server.pid).resident;

    const filling = loads.probe();
    const filled = await loads.fill(GATE, OPERATIONS);
    const fillStall = (await filling.end()).max_us;
    await pause(SETTLE_MS);
    const full = memoryOf(server.pid).resident;

    const draining = loads.probe();
    const drainSeconds = await loads.workOff();
    const drainStall = (await draining.end()).max_us;
    await pause(BACK_AFTER_MS);
    const after = memoryOf(server.pid);
    return [
      {
        what: "memory per queued operation (growth of RSS)",
        value: (full - before) / OPERATIONS,
        unit: "bytes",
        wanted: "< 180, aim 140",
      },
      { what: "longest stall of the event loop: idle", value: idleStall, unit: "time" },
      {
        what: "the same at the C mock under the same load: the machine's part",
        value: mockStall,
        unit: "time",
      },
      {
        what: "longest stall of the event loop: filling, 50 x 16",
        value: fillStall,
        unit: "time",
        wanted: "< 15 ms, aim 5",
      },
      {
        what: "longest stall of the event loop: working off",
        value: drainStall,
        unit: "time",
        wanted: "< 15 ms, aim 5",
      },
      { what: "intake while filling, with the probe beside it", value: filled.ops_per_s, unit: "rate" },
      { what: "worked off", value: OPERATIONS / drainSeconds, unit: "rate" },
      { what: "RSS before", value: before, unit: "memory" },
      { what: "RSS with the million queued", value: full, unit: "memory" },
      { what: "RSS at its highest", value: after.peak, unit: "memory" },
      { what: "RSS 30 s after the last one was worked off", value: after.resident, unit: "memory" },
      {
        what: "memory not given back after 30 s",
        value: after.resident - before,
        unit: "memory",
        wanted: "< 50 MB",
      },
    ];
  },
};

/** The longest wait of the same probe at a server in C that only answers, in µs. */
async function stallOfMock(loadgen: Loadgen): Promise<number> {
  const port = freePort();
  await using mock = loadgen.role(["--role", "mock", "--port", String(port)]);
  await mock.listens(port);
  const options = ["--proto", "mevent", "--mode"];
  const probe = loadgen.start({ port, connections: 1, depth: 1, options: [...options, "roundtrip"] });
  await loadgen.run({
    port,
    connections: 50,
    depth: 16,
    count: OPERATIONS,
    options: [...options, "enqueue"],
  });
  return (await probe.end()).max_us;
}
