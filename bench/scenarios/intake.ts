import { MeventServer } from "../support/mevent_server.ts";
import type { Scenario, ScenarioSetting } from "./scenario.ts";
import { GATE, ScenarioLoads } from "./loads.ts";

const FEW = 1000;
const MANY = 1_000_000;
/** Operations whose intake is measured. */
const MEASURED = 500_000;

/** Whether a long queue slows the intake. */
export const intakeScenario: Scenario = {
  name: "intake",
  title: "Intake of 500,000 operations, 50 x 16, on top of what is queued",
  async measure(setting) {
    // Each goes first in every other round.
    const order = setting.round % 2 === 0 ? [FEW, MANY] : [MANY, FEW];
    const rates = new Map<number, number>();
    for (const queued of order) rates.set(queued, await intake(setting, queued));
    const [few = NaN, many = NaN] = [rates.get(FEW), rates.get(MANY)];
    return [
      { what: "intake with 1,000 queued", value: few, unit: "rate" },
      { what: "intake with 1,000,000 queued", value: many, unit: "rate" },
      {
        what: "the second divided by the first",
        value: many / few,
        unit: "ratio",
        wanted: "> 0.95, aim 1.0",
      },
    ];
  },
};

async function intake({ mevent, loadgen }: ScenarioSetting, queued: number): Promise<number> {
  await using server = await MeventServer.start(mevent);
  const loads = new ScenarioLoads(loadgen, server);
  await loads.warmUp();
  await loads.fill(GATE, queued);
  return (await loads.fill(GATE, MEASURED)).ops_per_s;
}
