import type { LoadResult } from "../loadgen.ts";
import { MeventServer } from "../support/mevent_server.ts";
import type { Figure, Scenario, ScenarioSetting } from "./scenario.ts";
import { ScenarioLoads, type Target } from "./loads.ts";

const QUEUED = 500_000;
const NOTHING: Target = { plugin: "steady", command: 1002 };
/** Each keeps the worker's CPU for 50 µs. */
const BUSY: Target = { plugin: "steady", command: 1001 };
/** Each waits for 10 ms, 256 of them at once: all of the plugin's places are taken. */
const WAITING: Target = { plugin: "steady", command: 1003 };

/** What sync callers of a plugin see while it works off a long async queue. */
export const backlogScenario: Scenario = {
  name: "backlog",
  title:
    "Sync on a plugin that has 500,000 async operations queued and works them off, against the idle plugin",
  async measure(setting) {
    return [
      ...await beside(setting, BUSY, "of 50 µs of CPU"),
      ...await beside(setting, WAITING, "that wait 10 ms, 256 at once"),
    ];
  },
};

async function beside(
  { mevent, loadgen, seconds }: ScenarioSetting,
  target: Target,
  kind: string,
): Promise<Figure[]> {
  await using server = await MeventServer.start(mevent);
  const loads = new ScenarioLoads(loadgen, server);
  await loads.warmUp();
  await loads.sync(NOTHING, 50, 1, 1);
  const idleMany = await loads.sync(NOTHING, 50, 1, seconds);
  const idleOne = await loads.sync(NOTHING, 1, 1, seconds);
  await loads.fill(target, QUEUED);
  const many = await loads.sync(NOTHING, 50, 1, seconds);
  const one = await loads.sync(NOTHING, 1, 1, seconds);
  const left = await loads.queued(target);
  return [
    ...figures(`50 x 1, async ones ${kind}`, idleMany, many),
    ...figures(`1 x 1, async ones ${kind}`, idleOne, one),
    { what: `still queued at the end, async ones ${kind}`, value: left, unit: "count", wanted: "> 0" },
  ];
}

function figures(name: string, idle: LoadResult, busy: LoadResult): Figure[] {
  return [
    { what: `${name}: p99 before`, value: idle.p99_us, unit: "time" },
    { what: `${name}: p99 beside them`, value: busy.p99_us, unit: "time" },
    {
      what: `${name}: the second divided by the first`,
      value: busy.p99_us / idle.p99_us,
      unit: "ratio",
      wanted: "< 3, aim 1.5",
    },
  ];
}
