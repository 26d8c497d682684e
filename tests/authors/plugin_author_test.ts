import { fiveMinutes, whatIsWrong } from "../support/author_stories.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;
const program = { command: Deno.execPath(), args: ["run", "-A", "--no-prompt", "--no-check", "-q", main] };

Deno.test("in an empty folder: plugin new, edit, check, run, test, serve, send, edit, reload, send", async () => {
  await fiveMinutes(program);
});
Deno.test("plugin check, run and test say what is wrong, and where", () => whatIsWrong(program));
