import type { Command } from "./command.ts";

export const sendCommand: Command = {
  name: "send",
  summary: "Sends a request to a plugin and prints its reply.",
  usage: "--biz NUMBER|NAME --cmd NUMBER [flags] [key=value …]",
  details: [
    "The reply's JSON goes to stdout, its code and time to stderr. Params come from one of --json, --hdf and the " +
    "key=value arguments: a value that is a JSON number, true, false or null is sent as that, any other as text.",
    "Exit codes: 0 for a reply of 1000 and above, 75 busy, 65 wrong params, 69 unreachable or timed out, 1 for any " +
    "other error reply.",
  ],
  flags: [
    { name: "biz", value: "NUMBER|NAME", help: "The plugin: its business number or its name." },
    { name: "cmd", value: "NUMBER", help: "The command: 1 to 65535; those up to 1000 are mevent's own." },
    {
      name: "json",
      value: "TEXT|@FILE|-",
      help: "The params as a JSON object: the text, a file's, or stdin's.",
    },
    {
      name: "hdf",
      value: "FILE",
      help: "The params as HDF, from a file.",
    },
    { name: "async", help: "Does not wait for the processing: the reply says that it was queued." },
    { name: "host", value: "HOST", default: "127.0.0.1", help: "The server's host." },
    { name: "port", value: "PORT", default: "26000", help: "The server's port." },
    { name: "unix", value: "PATH", help: "The server's Unix socket, instead of host and port." },
    { name: "udp", help: "Sends over UDP instead of TCP." },
    { name: "timeout", value: "TIME", default: "5s", help: "How long to wait for a reply." },
    { name: "count", value: "N", default: "1", help: "Sends it N times and prints a summary." },
    { name: "concurrency", value: "N", default: "1", help: "With --count: how many at once." },
  ],
  positionals: true,
  examples: [
    `mevent send --biz 3 --cmd 1001 --json '{"uid": 7}'`,
    "mevent send --biz echo --cmd 1001 uid=7 name=Ann",
    "echo '{\"ms\": 100}' | mevent send --biz 3 --cmd 1003 --json - --async",
    "mevent send --biz 3 --cmd 1001 --count 10000 --concurrency 50",
  ],
  run() {
    throw new Error("not wired");
  },
};
