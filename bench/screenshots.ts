/**
 * Makes the pictures of README.md and docs/dashboard.md: a server with some plugins, two minutes of work for them, and Chromium.
 *
 *     ./denow task screenshots
 *
 * @module
 */
import type { Page } from "playwright-core";
import { VERSION } from "../src/cli/version.ts";
import { TestBrowser } from "../tests/support/browser.ts";
import { dashboardServer } from "../tests/support/dashboard_server.ts";
import type { PluginOverrides, TestServer } from "../tests/support/test_server.ts";

const FOLDER = new URL("../docs/images/", import.meta.url);
/** Curves need some time to be some. */
const LOAD_MS = 130_000;
const TURN_MS = 200;
const QUALITY = 82;

/** What a plugin is, how long one of its operations takes, what part of them fails, and how many come in a second. */
interface Part {
  readonly name: string;
  readonly description: string;
  readonly command: string;
  readonly takesMs: number;
  readonly fails: number;
  readonly perSecond: number;
  readonly concurrency: number;
  readonly maxOps?: number;
}

const PARTS: readonly Part[] = [
  {
    name: "orders",
    description: "takes orders into the ERP",
    command: "place",
    takesMs: 6,
    fails: 0,
    perSecond: 240,
    concurrency: 8,
  },
  {
    name: "mail",
    description: "sends mail",
    command: "send",
    takesMs: 15,
    fails: 0.14,
    perSecond: 40,
    concurrency: 8,
  },
  {
    name: "invoices",
    description: "makes PDF of invoices",
    command: "render",
    takesMs: 90,
    fails: 0,
    perSecond: 26,
    concurrency: 2,
    maxOps: 600,
  },
  {
    name: "search",
    description: "keeps the index up to date",
    command: "index",
    takesMs: 3,
    fails: 0,
    perSecond: 110,
    concurrency: 8,
  },
  {
    name: "thumbnails",
    description: "makes pictures small",
    command: "make",
    takesMs: 40,
    fails: 0,
    perSecond: 12,
    concurrency: 4,
  },
  {
    name: "reports",
    description: "makes the night's reports",
    command: "run",
    takesMs: 5,
    fails: 0,
    perSecond: 0,
    concurrency: 1,
  },
];

await Deno.mkdir(FOLDER, { recursive: true });
{
  await using server = await dashboardServer({ plugins: PARTS.map(pluginOf), version: VERSION });
  await using browser = await TestBrowser.start();
  const work = new AbortController();
  const worked = load(server, work.signal);
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
  const url = `${server.httpUrl}/`;
  await shot(browser, "overview", `${url}#/`, {});
  await shot(browser, "overview-dark", `${url}#/`, { colorScheme: "dark" });
  await shot(browser, "overview-zh", `${url}#/`, { locale: "zh-CN" });
  await shot(browser, "plugin", `${url}#/plugins/mail?range=5m`, {});
  await shot(browser, "phone", `${url}#/`, { viewport: { width: 375, height: 812 } });
  work.abort();
  await worked;
}
Deno.exit(0);

function pluginOf(
  { name, description, command, takesMs, fails, concurrency, maxOps }: Part,
  at: number,
): PluginOverrides {
  const source = `export default {
  name: "${name}",
  description: "${description}",
  commands: {
    1001: {
      name: "${command}",
      async run(context) {
        await new Promise((resolve) => setTimeout(resolve, ${takesMs} * (0.5 + Math.random())));
        if (Math.random() < ${fails}) throw context.fail(25, "450 4.2.1 mailbox " + Math.floor(Math.random() * 1000) + " is busy");
        return {};
      },
    },
  },
};`;
  return {
    name,
    biz: 100 + at,
    source,
    concurrency,
    minWorkers: at === PARTS.length - 1 ? 0 : "all",
    ...maxOps === undefined ? {} : { queue: { maxOps, maxBytes: 64 * 1024 * 1024 } },
  };
}

/** Work for all of them, in waves, until the pictures are made. */
async function load(server: TestServer, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    const wave = 1 + 0.35 * Math.sin(turn / 23) + 0.2 * Math.sin(turn / 7) + 0.15 * Math.random();
    const lines = PARTS.flatMap(({ name, perSecond }) => {
      const count = Math.round(perSecond * TURN_MS / 1000 * wave + Math.random() - 0.5);
      return Array.from(
        { length: count },
        (_, n) => JSON.stringify({ plugin: name, command: 1001, params: { n }, async: true }),
      );
    });
    const response = await fetch(`${server.httpUrl}/v1/batch`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.join("\n"),
    });
    await response.text();
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
}

async function shot(
  browser: TestBrowser,
  name: string,
  url: string,
  options: Parameters<TestBrowser["page"]>[0],
): Promise<void> {
  const page: Page = await browser.page(options);
  await page.goto(url);
  await page.locator('[data-name="plugins"], [data-name="limits"]').waitFor();
  // Rates take two looks; the curves are drawn with the first history.
  await page.waitForTimeout(2500);
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  const path = new URL(`${name}.webp`, FOLDER);
  await Deno.writeFile(path, Uint8Array.fromBase64(data));
  console.log(`${path.pathname}: ${Math.round(data.length * 0.75 / 1024)} KiB`);
  await page.context().close();
}
