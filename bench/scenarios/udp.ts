import { freePort } from "../support/free_port.ts";
import type { LoadResult } from "../loadgen.ts";
import { MeventServer } from "../support/mevent_server.ts";
import type { Figure, Scenario } from "./scenario.ts";
import { ECHO_NOTHING, ScenarioLoads } from "./loads.ts";

/** The way over datagrams, beside a server in C that only answers them. */
export const udpScenario: Scenario = {
  name: "udp",
  title: "UDP, 50 x 1",
  async measure({ mevent, loadgen, seconds }) {
    const port = freePort();
    await using mock = loadgen.role(["--role", "mock", "--udp", "--port", String(port)]);
    const floor = await loadgen.run({
      port,
      connections: 50,
      depth: 1,
      seconds,
      options: ["--proto", "mevent", "--mode", "roundtrip", "--udp"],
    });
    if (mock.hasEnded) throw new Error(`the mock server ended: ${mock.stderr}`);
    await using server = await MeventServer.start(mevent);
    const loads = new ScenarioLoads(loadgen, server);
    await loads.sync(ECHO_NOTHING, 50, 1, 1, "--udp");
    return [
      ...figures("sync, echo 1002", await loads.sync(ECHO_NOTHING, 50, 1, seconds, "--udp")),
      ...figures("async, each acknowledged", await loads.async(ECHO_NOTHING, seconds, 50, 1, "--udp")),
      ...figures("C mock (floor)", floor),
    ];
  },
};

function figures(name: string, result: LoadResult): Figure[] {
  return [
    { what: name, value: result.ops_per_s, unit: "rate" },
    { what: `${name}, p99`, value: result.p99_us, unit: "time" },
    { what: `${name}, lost`, value: result.lost, unit: "count" },
  ];
}
