#!/bin/sh
# Deno's asynchronous ways to open a file (Deno.open, Deno.readFile, Deno.readTextFile, and readFile of node:fs/promises) call
# open(2) on the event loop's own thread. Where that waits, as with a pipe that nobody writes into or a file system that
# does not answer, everything stands still: timers, sockets, signal listeners. Deno.stat of the same path does not.
#
# Seen with deno 2.7.11 on Linux: a timer of 100 ms does not run while one of them waits for a pipe.
set -eu
version=2.7.11
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkfifo pipe
cat > open.ts <<'TS'
const ways: Record<string, () => Promise<unknown>> = {
  "Deno.open": () => Deno.open("pipe"),
  "Deno.readFile": () => Deno.readFile("pipe"),
  "Deno.readTextFile": () => Deno.readTextFile("pipe"),
  "node:fs/promises readFile": async () => (await import("node:fs/promises")).readFile("pipe"),
  "Deno.stat": () => Deno.stat("pipe"),
};
setTimeout(() => {
  console.log("the timer has run");
  Deno.exit(0);
}, 100);
await ways[Deno.args[0]!]!();
await new Promise(() => {});
TS
deno=$(npx -y "deno@$version" eval 'console.log(Deno.execPath())')
"$deno" --version | head -1
for way in Deno.open Deno.readFile Deno.readTextFile "node:fs/promises readFile" Deno.stat; do
  echo "$way: $(timeout 5 "$deno" run --no-config -A open.ts "$way" || echo "nothing within 5 s")"
done | tee seen
cat > wanted <<'TEXT'
Deno.open: nothing within 5 s
Deno.readFile: nothing within 5 s
Deno.readTextFile: nothing within 5 s
node:fs/promises readFile: nothing within 5 s
Deno.stat: the timer has run
TEXT
cmp seen wanted
