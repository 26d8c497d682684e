import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { CHROMIUM, TestBrowser } from "../support/browser.ts";
import { dashboardServer, press, runJobs, sendJobs } from "../support/dashboard_server.ts";
import { testToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** One server and one page for all of it: each step leaves them as the next one finds them. */
Deno.test({ name: "what the dashboard's buttons do", ignore: CHROMIUM === null }, async (t) => {
  await using server = await dashboardServer();
  await using browser = await TestBrowser.start();
  const url = `${server.httpUrl}/`;
  const page = await browser.page();
  const jobs = () => server.plugin("jobs");
  const told = (text: string | RegExp) => page.locator(".toast", { hasText: text }).first().waitFor();
  await page.goto(`${url}#/plugins/jobs`);

  await t.step("pause and resume", async () => {
    await press(page, "pause");
    await confirm(page, /hands?|handed to workers/);
    await server.until("jobs is paused", () => jobs().paused);
    await told("jobs is paused");
    await sendJobs(server, 1001, 5);
    await press(page, "resume");
    await confirm(page, "5 waiting operations");
    await server.until("they are done", () => !jobs().paused && jobs().done === 5);
  });

  await t.step("a dialog that is closed changes nothing, by button, key or backdrop", async () => {
    for (
      const close of [
        () => press(page, "dialog-cancel"),
        () => page.keyboard.press("Escape"),
        () => press(page, "dialog-close"),
        () => page.mouse.click(5, 5),
      ]
    ) {
      await press(page, "pause");
      await page.locator('[data-name="dialog-go"]').waitFor();
      await close();
      await page.locator("dialog[open]").waitFor({ state: "detached" });
    }
    assertEquals(jobs().paused, false);
  });

  await t.step("purge says how many before, and drops them", async () => {
    await press(page, "pause");
    await confirm(page);
    await server.until("jobs is paused", () => jobs().paused);
    await sendJobs(server, 1001, 12);
    await press(page, "purge");
    await confirm(page, "12 operations that have not begun");
    await server.until("they are gone", () => jobs().queued === 0 && jobs().cancelled === 12);
    await told("12 operations of jobs dropped");
    await press(page, "purge");
    await page.locator(".dialog-body", { hasText: "0 operations" }).waitFor();
    assertEquals(await page.locator('[data-name="dialog-go"]').count(), 0);
    await press(page, "dialog-cancel");
    await press(page, "resume");
    await confirm(page);
    await server.until("jobs goes on", () => !jobs().paused);
  });

  await t.step("dead letters are sent again, and dropped", async () => {
    await runJobs(server, 1002, 4);
    await page.locator('[data-name="retry-dead"]:enabled').waitFor();
    await press(page, "retry-dead");
    await confirm(page, "4 dead letters");
    await server.until("they have failed again", () => jobs().failed === 8 && jobs().dead === 4);
    await page.locator('[data-name="purge-dead"]:enabled').waitFor();
    await press(page, "purge-dead");
    await confirm(page, "4 dead letters are dropped");
    await server.until("there is none", () => jobs().dead === 0);
  });

  await t.step("limits: a preview, the change, and a refresh that leaves alone what is written", async () => {
    await press(page, "edit-limits");
    const field = page.locator('[name="queue.max_ops"]');
    const before = jobs().max_ops;
    assertEquals(await field.inputValue(), String(before));
    assert(await page.locator('[data-name="limits-apply"]').isDisabled());
    await field.fill("4321");
    let details = 0;
    page.on("response", (response) => details += response.url().endsWith("/plugins/jobs") ? 1 : 0);
    await until("the plugin was asked for twice again", () => details >= 2);
    assertEquals(await field.inputValue(), "4321");
    await press(page, "limits-preview");
    const changes = await page.locator('[data-name="limit-changes"]').textContent() ?? "";
    assertMatch(changes, new RegExp(`queue.max_ops.*${before}.*4321`, "s"));
    assertEquals(jobs().max_ops, before);
    await press(page, "limits-apply");
    await server.until("it counts", () => jobs().max_ops === 4321);
    await told("1 limit of jobs changed");
    await press(page, "edit-limits");
    await field.fill("none at all");
    await press(page, "limits-preview");
    await page.locator("dialog .notice.is-bad", { hasText: "max_ops" }).waitFor();
    await press(page, "dialog-cancel");
  });

  await t.step("the time that is shown stands in the address", async () => {
    await page.locator('[data-value="5m"]').click();
    await until("it does", () => page.url().endsWith("?range=5m"));
    assertEquals(await page.locator('[data-value="5m"]').getAttribute("aria-pressed"), "true");
    await page.locator('[data-value="1h"]').click();
    await until("it does not", () => page.url().endsWith("#/plugins/jobs"));
  });

  await t.step("theme and language are chosen, and kept", async () => {
    for (const theme of ["light", "dark", null]) {
      await press(page, "theme");
      await until(
        `the theme is ${theme}`,
        async () => await page.locator("html").getAttribute("data-theme") === theme,
      );
    }
    await press(page, "language");
    await page.locator("h2", { hasText: "工作线程" }).waitFor();
    await page.reload();
    await page.locator("h2", { hasText: "工作线程" }).waitFor();
    assertEquals(await page.locator("html").getAttribute("lang"), "zh-CN");
    await press(page, "language");
    await page.locator("h2", { hasText: "Workers" }).waitFor();
  });

  await t.step("keys: the palette, the help, and views by letters", async () => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("echo");
    await page.keyboard.press("Enter");
    await page.locator("h1", { hasText: "echo" }).waitFor();
    await press(page, "palette");
    await page.keyboard.type("nothing is called so");
    await page.locator(".palette", { hasText: "Nothing is called" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.locator(".shortcuts").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("o");
    await page.locator('[data-name="verdict"]').waitFor();
    await press(page, "help");
    await page.locator(".shortcuts").waitFor();
    await press(page, "dialog-close");
  });

  await t.step("focus is seen, and the first of it leads to the content", async () => {
    await page.goto(`${url}#/nowhere`);
    await page.locator(".empty").waitFor();
    await page.goto(url);
    await page.locator('[data-name="verdict"]').waitFor();
    await page.keyboard.press("Tab");
    assertEquals(await page.evaluate<string>("document.activeElement.className"), "skip");
    assert(await page.evaluate<boolean>("getComputedStyle(document.activeElement).outlineStyle !== 'none'"));
    await page.keyboard.press("Enter");
    assertEquals(await page.evaluate<string>("document.activeElement.id"), "content");
  });

  await t.step("the menu of a narrow window", async () => {
    await page.setViewportSize({ width: 375, height: 812 });
    await press(page, "menu");
    await page.locator(".nav").waitFor();
    await page.locator(".nav a").first().click();
    await page.locator(".nav").waitFor({ state: "hidden" });
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  await t.step("a reload that is not to be had says why, and is left", async () => {
    await press(page, "reload");
    await page.locator("dialog[open] .notice.is-bad").waitFor();
    await press(page, "dialog-cancel");
  });

  await t.step("without a connection the figures stay and their age is told", async () => {
    await page.locator('[data-name="verdict"]').waitFor();
    // What the browser notes of each request that fails is no complaint of the page.
    const complaints = browser.complaints.length;
    await page.context().setOffline(true);
    const notice = page.locator(".notice.is-bad", { hasText: /The figures are .* old/ });
    await notice.waitFor();
    assertEquals(await page.locator('[data-plugin="jobs"]').count(), 1);
    assertStringIncludes(await page.locator('[data-name="live"]').textContent() ?? "", "No connection");
    await page.context().setOffline(false);
    await press(page, "try-now");
    await notice.waitFor({ state: "detached" });
    browser.complaints.length = complaints;
  });

  await t.step("nothing was complained of but what the server was to refuse", () => {
    const refused = "Failed to load resource: the server responded with a status of";
    // The limit that was none, and the reload of a server that has no config to load.
    assertEquals(browser.complaints, [`${refused} 400 (Bad Request)`, `${refused} 409 (Unknown)`]);
  });

  await t.step("drain stops the server", async () => {
    await press(page, "drain");
    await confirm(page, "It takes nothing new");
    await server.until("it stops", () => server.server.state !== "running");
  });
});

Deno.test(
  { name: "who asks for the dashboard's figures is asked for a token", ignore: CHROMIUM === null },
  async (t) => {
    const looks = testToken("looks", ["stats"]);
    const runs = testToken("runs", ["stats", "control"]);
    await using server = await dashboardServer({
      file: { token: [looks.table, runs.table] },
      server: { auth: "token", udp: "" },
    });
    await using browser = await TestBrowser.start();
    const page = await browser.page();
    await page.goto(server.httpUrl);

    await t.step("a wrong one is refused, with the server's words", async () => {
      await enter(page, "wrong");
      await page.locator(".login .notice.is-bad").waitFor();
    });

    await t.step("one that may look sees no button that changes anything", async () => {
      await enter(page, looks.token);
      await page.locator('[data-name="verdict"]').waitFor();
      await page.locator(".top", { hasText: "Read only" }).waitFor();
      for (const path of ["#/", "#/plugins/echo"]) {
        await page.goto(`${server.httpUrl}/${path}`);
        await page.locator("h1").first().waitFor();
        for (const name of ["pause", "purge", "reload", "drain", "edit-limits", "retry-dead"]) {
          assertEquals(await page.locator(`[data-name="${name}"]`).count(), 0, name);
        }
      }
    });

    await t.step("it is kept until the tab is closed, and forgotten with the log-out", async () => {
      await page.reload();
      await page.locator("h1", { hasText: "echo" }).waitFor();
      await press(page, "logout");
      await page.locator("#token").waitFor();
      await page.reload();
      await page.locator("#token").waitFor();
    });

    await t.step("one that may control changes things", async () => {
      await enter(page, runs.token);
      await press(page, "pause");
      await confirm(page);
      await server.until("echo is paused", () => server.plugin("echo").paused);
    });
  },
);

async function enter(page: Page, token: string): Promise<void> {
  await page.locator("#token").fill(token);
  await press(page, "login");
}

/** Waits for what the dialog says, and does it. */
async function confirm(page: Page, text: string | RegExp = /./): Promise<void> {
  await page.locator(".dialog-body", { hasText: text }).waitFor();
  await press(page, "dialog-go");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
}
