import type { LoadResult } from "../loadgen.ts";
import { MeventServer } from "../support/mevent_server.ts";
import type { Scenario } from "./scenario.ts";
import { ECHO_NOTHING, ScenarioLoads, type Target } from "./loads.ts";

/** Stuck, and its queue full with a thousand operations. */
const FULL: Target = { plugin: "full", command: 1001 };
const FULL_OPERATIONS = 1000;
/** What is to be refused, per second. */
const FLOOD = 100_000;
/** Floods as connections x depth, from the smallest: the first that is refused often enough counts. */
const FLOODS = [[1, 2], [1, 4], [1, 8], [1, 16], [2, 16], [4, 16], [8, 16], [16, 16], [50, 16]] as const;

/** What a plugin that is stuck, full and flooded costs another one. */
export const neighbourScenario: Scenario = {
  name: "neighbour",
  title: "Sync, echo 1002, 50 x 1, while another plugin is stuck, full and refuses a flood",
  async measure({ mevent, loadgen, seconds }) {
    await using server = await MeventServer.start(mevent);
    const loads = new ScenarioLoads(loadgen, server);
    await loads.warmUp();
    await loads.fill(FULL, FULL_OPERATIONS);
    const before = await loads.sync(ECHO_NOTHING, 50, 1, seconds);
    let flooded = before;
    let refused = 0;
    let underWay = 0;
    for (const [connections, depth] of FLOODS) {
      const flood = loads.async(FULL, seconds, connections, depth);
      flooded = await loads.sync(ECHO_NOTHING, 50, 1, seconds);
      refused = refusedPerSecond(await flood);
      underWay = connections * depth;
      if (refused >= FLOOD) break;
    }
    const after = await loads.sync(ECHO_NOTHING, 50, 1, seconds);
    const aloneRate = (before.ops_per_s + after.ops_per_s) / 2;
    const aloneP99 = (before.p99_us + after.p99_us) / 2;
    return [
      { what: "alone, mean of before and after", value: aloneRate, unit: "rate" },
      { what: "alone, p99, mean of before and after", value: aloneP99, unit: "time" },
      { what: "beside the flood", value: flooded.ops_per_s, unit: "rate" },
      { what: "beside the flood, p99", value: flooded.p99_us, unit: "time" },
      {
        what: "p99 beside the flood divided by p99 alone",
        value: flooded.p99_us / aloneP99,
        unit: "ratio",
        wanted: "< 1.3, aim 1.0",
      },
      { what: "the flood, all of it refused", value: refused, unit: "rate", wanted: ">= 100,000/s" },
      { what: "requests of the flood under way", value: underWay, unit: "count" },
    ];
  },
};

function refusedPerSecond({ errors, seconds }: LoadResult): number {
  return (errors["21"] ?? 0) / seconds;
}
