#!/bin/sh
# bunqueue acknowledges an add with `durable: true` when SQLite has committed it, and its database runs with
# journal_mode = WAL and synchronous = NORMAL: such a commit is written, but not synced. A power loss may take acknowledged
# durable jobs; the option only spares them the buffer of 10 ms that the others wait in. What its documents promise for it is
# that a crash of the process loses nothing, and that is so.
#
# Seen with bunqueue 2.9.5 on bun 1.4.5, Linux: 200 durable adds, one after the other, each acknowledged: some 6 calls of
# fsync and fdatasync, those of the checkpoints, and so 190 and more acknowledgements that no sync stood before. Needs npm
# and strace.
set -eu
adds=200
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
npm install --ignore-scripts --no-audit --no-fund --silent bunqueue@2.9.5 bun@1.4.5
for bun in node_modules/@oven/*/bin/bun; do
  if "$bun" --version >version 2>/dev/null; then break; fi
done
cat >adds.mjs <<'JS'
import { Queue } from "bunqueue/client";
const [port, adds] = process.argv.slice(2).map(Number);
const queue = new Queue("orders", { connection: { host: "127.0.0.1", port } });
for (let i = 0; i < adds; i++) await queue.add("order", { number: i }, { durable: true });
process.exit(0);
JS
cat >ports.mjs <<'JS'
const servers = [0, 0].map(() => Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }));
console.log(servers.map(({ port }) => port).join(" "));
process.exit(0);
JS
read -r port http <<PORTS
$("$bun" ports.mjs)
PORTS
BUNQUEUE_DATA_PATH=$work/queue.db TCP_PORT=$port HTTP_PORT=$http HOST=127.0.0.1 LOG_LEVEL=error \
  strace -f -qq -e trace=fsync,fdatasync -o syncs "$bun" node_modules/bunqueue/dist/cli/index.js start >server.log 2>&1 &
strace=$!
for _ in $(seq 100); do
  server=$(pgrep -P "$strace" || true)
  if "$bun" -e "(await Bun.connect({ hostname: '127.0.0.1', port: $port, socket: { data() {} } })).end()" 2>/dev/null; then
    break
  fi
  sleep 0.1
done
before=$(grep -c sync syncs || true)
"$bun" adds.mjs "$port" "$adds"
after=$(grep -c sync syncs || true)
echo "bun $(cat version): $adds durable adds acknowledged, $((after - before)) syncs"
[ $((after - before)) -lt $((adds / 4)) ]
