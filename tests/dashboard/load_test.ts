import { assert, assertEquals } from "@std/assert";
import type { Route } from "playwright-core";
import type { History, Stats } from "../../src/admin/api.ts";
import { CHROMIUM, TestBrowser } from "../support/browser.ts";
import { dashboardServer, runJobs } from "../support/dashboard_server.ts";
import { until } from "../support/until.ts";

const PLUGINS = 50;
const QUEUED = 100_000;
/** Refreshes that are watched; there is one a second. */
const REFRESHES = 6;
const MAX_SHARE = 0.05;

/** The server's own answers, with its plugin jobs as many times as there are to be plugins. */
async function many(route: Route): Promise<void> {
  const response = await fetch(route.request().url());
  const stats = await response.json() as Stats;
  const jobs = stats.plugins.find(({ name }) => name === "jobs")!;
  turns++;
  const plugins = Array.from({ length: PLUGINS }, (_, i) => ({
    ...jobs,
    name: `jobs-${i}`,
    queued: QUEUED / PLUGINS + turns,
    done: jobs.done + turns * (100 + i),
    accepted: jobs.accepted + turns * (100 + i),
    in_flight: turns % 7,
  }));
  await route.fulfill({ json: { ...stats, plugins } });
}

async function manySeries(route: Route): Promise<void> {
  const response = await fetch(route.request().url());
  const history = await response.json() as History;
  const spark = history.plugins!["jobs"]!;
  const plugins = Object.fromEntries(Array.from({ length: PLUGINS }, (_, i) => [`jobs-${i}`, {
    ...spark,
    done_per_second: spark.done_per_second.map((_, at) => 100 + 50 * Math.sin(at / 5 + i)),
  }]));
  await route.fulfill({ json: { ...history, plugins } });
}

let turns = 0;

Deno.test({
  name: "a page with 50 plugins and 100,000 queued costs less than a twentieth of a core",
  ignore: CHROMIUM === null,
}, async () => {
  await using server = await dashboardServer();
  await using browser = await TestBrowser.start();
  await runJobs(server, 1001, 10);
  const page = await browser.page();
  await page.route("**/api/v1/stats", many);
  await page.route("**/api/v1/history", manySeries);
  await page.goto(server.httpUrl);
  await page.locator("[data-plugin]").nth(PLUGINS - 1).waitFor();
  await until("it has begun to refresh", () => turns >= 3);
  const devtools = await page.context().newCDPSession(page);
  // The thread's own time: what others take of the machine is not the page's.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")!.value;
  };
  const [from, began, first] = [await busy(), performance.now(), turns];
  await until("it has refreshed some times", () => turns >= first + REFRESHES, 30_000);
  const seconds = (performance.now() - began) / 1000;
  const share = (await busy() - from) / seconds;
  console.log(
    `    ${(share * 100).toFixed(2)} % of a core, ${turns - first} refreshes in ${seconds.toFixed(1)} s`,
  );
  assert(share > 0 && share < MAX_SHARE, `${share}`);
  assertEquals(await page.locator("[data-plugin]").count(), PLUGINS);
  assertEquals(browser.complaints, []);
});
