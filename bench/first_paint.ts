/**
 * Measures how long a browser that was never here waits for the dashboard's first paint: headless Chromium, the server beside it.
 * Exit code 1 where the best of some loads takes longer than allowed; on a machine that does nothing else it is the first.
 *
 *     ./denow task first-paint
 *
 * @module
 */
import { TestBrowser } from "../tests/support/browser.ts";
import { dashboardServer } from "../tests/support/dashboard_server.ts";
import { firstPaint } from "../tests/support/page_looks.ts";
import { benchArgs } from "./support/args.ts";
import { median } from "./support/median.ts";

const USAGE = `Usage: ./denow task first-paint [options]
  --loads N       how often it is loaded, each by a new browser context (7)
  --most MS       the best of them may take so long (300)
  --url URL       the page of a server that runs, in place of one from the source
`;

const args = benchArgs(USAGE, ["loads", "most", "url"]);
const loads = args.number("loads", 7);
const most = args.number("most", 300);

const url = args.text("url");
const server = url === undefined ? await dashboardServer() : null;
const browser = await TestBrowser.start();
const times: number[] = [];
for (let load = 0; load < loads; load++) {
  const page = await browser.page();
  await page.goto(url ?? server!.httpUrl);
  times.push(Math.round(await firstPaint(page)));
  await page.context().close();
}
console.log(
  `first paint after ${times.join(", ")} ms: median ${median(times)}, best ${
    Math.min(...times)
  }, allowed ${most}`,
);
await browser[Symbol.asyncDispose]();
await server?.[Symbol.asyncDispose]();
// The thread that starts workers is kept for a next server, and would keep the process.
Deno.exit(Math.min(...times) > most ? 1 : 0);
