#!/usr/bin/env bash
# croner 11.0.1: where clocks change, a job of two times a day loses one run in spring and has one too many in autumn.
#
# A job with one time a day is kept right: `30 2 * * *` in Berlin runs once where 2:30 is shown twice, and at 3:00 where it is
# skipped. With a second time, `30 2,14 * * *`, it runs twice at 2:30 in October and not at all for 2:30 in March. Vixie's cron
# (the cron of Debian and others) runs both jobs alike: once, and when the clock goes on. Seen with croner 11.0.1 on Node.js 18 and
# later. Exits with 1 where croner does otherwise than that.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund croner@11.0.1
cat > try.mjs <<'JS'
import { Cron } from "croner";

const runs = (pattern, from, to) => {
  const job = new Cron(pattern, { timezone: "Europe/Berlin", paused: true });
  const found = [];
  for (let at = job.nextRun(new Date(from)); at !== null && at < new Date(to); at = job.nextRun(at)) {
    found.push(at.toISOString().slice(5, 16));
  }
  return found.join(" ");
};
const tries = [
  ["30 2 * * *", "2026-03-28T20:00Z", "2026-03-29T20:00Z", "03-29T01:00"],
  ["30 2,14 * * *", "2026-03-28T20:00Z", "2026-03-29T20:00Z", "03-29T12:30"],
  ["30 2 * * *", "2026-10-24T20:00Z", "2026-10-25T20:00Z", "10-25T00:30"],
  ["30 2,14 * * *", "2026-10-24T20:00Z", "2026-10-25T20:00Z", "10-25T00:30 10-25T01:30 10-25T13:30"],
];
let same = true;
for (const [pattern, from, to, seen] of tries) {
  const got = runs(pattern, from, to);
  console.log(pattern, "in Berlin from", from, "runs at (UTC)", got);
  same &&= got === seen;
}
process.exit(same ? 0 : 1);
JS
node try.mjs
