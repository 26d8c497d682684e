import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { CHROMIUM, TestBrowser } from "../support/browser.ts";
import { dashboardServer, press, runJobs } from "../support/dashboard_server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

Deno.test({ name: "the dashboard's failures", ignore: CHROMIUM === null }, async (t) => {
  await using data = await tempFolder();
  await using server = await dashboardServer({ server: { data: data.path } });
  await using browser = await TestBrowser.start();
  const page = await browser.page();
  const jobs = () => server.plugin("jobs");
  const row = page.locator('[data-name="failure"]');
  await runJobs(server, 1002, 4);
  await page.goto(`${server.httpUrl}/#/failures?plugin=jobs`);

  await t.step("stand by their cause, which is text", async () => {
    await row.waitFor();
    const text = await row.textContent() ?? "";
    for (const part of ["4", "no paper in tray", "jobs", "failed", "1002", "25"]) {
      assertStringIncludes(text, part);
    }
    assertEquals(await page.locator("#failures-plugin").inputValue(), "jobs");
  });

  await t.step("the filter stands in the address", async () => {
    await page.locator("#failures-plugin").selectOption("echo");
    await page.locator(".empty", { hasText: "No dead letters" }).waitFor();
    assertEquals(new URL(page.url()).hash, "#/failures?plugin=echo");
    await page.locator("#failures-plugin").selectOption("");
    await row.waitFor();
    assertEquals(new URL(page.url()).hash, "#/failures");
    const print = await row.getAttribute("data-fingerprint") ?? "";
    await page.goto(`${server.httpUrl}/#/failures?fingerprint=${encodeURIComponent(print)}`);
    await press(page, "failures-all");
    await until("all are shown", () => new URL(page.url()).hash === "#/failures");
  });

  await t.step("all of a cause are retried", async () => {
    await press(page, "failures-retry");
    await confirm(page, "4 dead letters");
    await server.until("they have failed again", () => jobs().failed === 8 && jobs().dead === 4);
  });

  await t.step("all of a cause are purged, and put back from the file that is named", async () => {
    await page.locator('[data-name="failure"]', { hasText: "4" }).waitFor();
    await press(page, "failures-purge");
    await confirm(page, "4 dead letters");
    await server.until("there is none", () => jobs().dead === 0);
    await page.locator(".notice", { hasText: "is in the file" }).waitFor();
    await press(page, "failures-undo");
    await confirm(page, "4 dead letters");
    await server.until("they are back", () => jobs().dead === 4);
    await row.waitFor();
  });

  await t.step("all of the server are retried and purged", async () => {
    await press(page, "failures-retry_all");
    await confirm(page, "4 dead letters");
    await server.until("they have failed again", () => jobs().failed === 12 && jobs().dead === 4);
    await page.locator('[data-name="failures-purge_all"]:enabled').waitFor();
    await press(page, "failures-purge_all");
    await confirm(page, "4 dead letters");
    await server.until("there is none", () => jobs().dead === 0);
    await page.locator(".empty").waitFor();
  });

  await t.step("nothing was complained of", () => assertEquals(browser.complaints, []));
});

async function confirm(page: Page, text: string): Promise<void> {
  await page.locator(".dialog-body", { hasText: text }).waitFor();
  await press(page, "dialog-go");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
}
