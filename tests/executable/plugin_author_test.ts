import { fiveMinutes, whatIsWrong } from "../support/author_stories.ts";
import { EXECUTABLE, executableTest } from "./executable.ts";

const program = { command: EXECUTABLE, args: [] };

executableTest(
  "in an empty folder: plugin new, edit, check, run, test, serve, send, edit, reload, send",
  () => fiveMinutes(program),
);
executableTest("plugin check, run and test say what is wrong, and where", () => whatIsWrong(program));
