import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { executableTest, Workplace } from "./executable.ts";

executableTest("the executable serves its page, with all that it names", async () => {
  await using place = await Workplace.make({ "mevent.toml": '[server]\nhttp = "127.0.0.1:0"\n' });
  await using server = await place.serve();
  const url = server.httpUrl;
  const page = await fetch(url, { headers: { accept: "text/html" } });
  assertEquals(page.status, 200);
  assertStringIncludes(page.headers.get("content-security-policy") ?? "", "default-src 'none'");
  const html = await page.text();
  const names = [...html.matchAll(/(?:href|src)="(assets\/[^"]+)"/g)].map(([, name]) => name!);
  assert(names.length > 20, html);
  for (const name of names) {
    const file = await fetch(`${url}/${name}`);
    assertEquals(file.status, 200, name);
    const text = await file.text();
    assert(text.length > 0, name);
    if (name.endsWith("/main.ts")) assertMatch(file.headers.get("content-type") ?? "", /^text\/javascript/);
  }
});
