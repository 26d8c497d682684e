import axe from "axe-core";
import type { Page } from "playwright-core";

// What is run in the page stands here as text: its globals are a browser's.

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** When something was first painted, in ms from the navigation's begin. */
export function firstPaint(page: Page): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) =>
    new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true })
  )`);
}

/** What axe has to say of the page as it stands, a text for each kind of fault. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate<string[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200) + " " + nodes[0].failureSummary))`,
  );
}

/** By how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>(
    "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)",
  );
}

/** Notes from now on what moves by itself. */
export async function watchShifts(page: Page): Promise<void> {
  await page.evaluate(`{
    globalThis.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: "layout-shift" });
  }`);
}

/** The sum of what has moved since. */
export function shifts(page: Page): Promise<number> {
  return page.evaluate<number>("shifts.reduce((sum, each) => sum + each, 0)");
}

/** As if the window were covered, or not any more. */
export async function see(page: Page, isSeen: boolean): Promise<void> {
  await page.evaluate(`{
    Object.defineProperty(document, "hidden", { configurable: true, get: () => ${!isSeen} });
    document.dispatchEvent(new Event("visibilitychange"));
  }`);
}

/** Paths of what is asked for from now on. */
export function asksOf(page: Page): readonly string[] {
  const paths: string[] = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}
