import type { Page } from "playwright-core";
import { packPage } from "../../src/admin/pack_page.ts";
import type { PackedPage } from "../../src/admin/packed_page.ts";
import { AdminApi } from "./admin_api.ts";
import { TestServer, type TestServerOptions } from "./test_server.ts";

let packed: Promise<PackedPage> | null = null;

/** Work that takes time, fails and says so, and a description that no page may take for HTML. */
const JOBS = `export default {
  name: "jobs",
  description: "<img src=x onerror=alert(1)> & <b>jobs</b>",
  commands: {
    1001: { name: "done", description: "ends well", run: ({ params }) => params.all() },
    1002: { name: "failed", run(context) { throw context.fail(25, "no paper in tray 3"); } },
  },
};`;

/** A server with the page, and with two plugins: echo, and jobs of which dead letters are kept. */
export function dashboardServer(options: TestServerOptions = {}): Promise<TestServer> {
  return TestServer.start({
    plugins: [{ name: "echo" }, { name: "jobs", biz: 77, source: JOBS }],
    page: () => packed ??= packPage(),
    ...options,
    server: { http: "127.0.0.1:0", ...options.server },
  });
}

/** Sends so many operations to a command of jobs, and waits until they have ended. */
export async function runJobs(server: TestServer, command: number, count: number): Promise<void> {
  const before = endedOf(server);
  await sendJobs(server, command, count);
  await server.until("all of them have ended", () => endedOf(server) === before + count);
}

/** Sends them, and does not wait. */
export async function sendJobs(server: TestServer, command: number, count: number): Promise<void> {
  const api = new AdminApi(server.httpUrl);
  const response = await fetch(`${api.url}/v1/batch`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: Array.from(
      { length: count },
      (_, n) => JSON.stringify({ plugin: "jobs", command, params: { n }, async: true }),
    ).join("\n"),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
}

function endedOf(server: TestServer): number {
  const { done, failed } = server.plugin("jobs");
  return done + failed;
}

/** A button by its name. */
export function press(page: Page, name: string): Promise<void> {
  return page.locator(`[data-name="${name}"]`).first().click();
}
