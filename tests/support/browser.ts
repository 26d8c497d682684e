import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type ConsoleMessage,
  type Page,
} from "playwright-core";

/** A page does what it is to do within so long, also on a machine that is busy; in ms. */
const PATIENCE_MS = 10_000;
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is: `CHROMIUM`, or where distributions put it; null where it is not. */
export const CHROMIUM: string | null = Deno.env.get("CHROMIUM") ?? PLACES.find(isThere) ?? null;

if (CHROMIUM === null) {
  console.log(
    "There is no Chromium here: what needs a browser is skipped. `apt-get install chromium` brings one.",
  );
}

/** Chromium without a window, and what its pages complained of. */
export class TestBrowser implements AsyncDisposable {
  /** Errors and warnings of all pages, and what a policy has refused. */
  readonly complaints: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async start(): Promise<TestBrowser> {
    if (CHROMIUM === null) throw new Error("there is no Chromium");
    // Root has no sandbox of Chromium's; machines for tests are root, and their /dev/shm is small.
    const args = ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"];
    return new TestBrowser(await chromium.launch({ executablePath: CHROMIUM, args }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
  }

  /** A page of a browser that nobody has used. */
  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: "en-GB",
      colorScheme: "light",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("console", (message: ConsoleMessage) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("pageerror", (error: Error) => this.complaints.push(error.stack ?? error.message));
    return page;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
