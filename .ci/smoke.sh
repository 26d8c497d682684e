#!/usr/bin/env bash
# Tries an executable as a user would: from an empty directory, with an empty environment.
#   bash .ci/smoke.sh dist/mevent
set -uo pipefail
bin=$(realpath "$1")
work=$(mktemp -d)
cd "$work" || exit 1
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

readonly MAX_BYTES=114000000 WANTED_READY_MS=300 MAX_READY_MS=1000 MAX_STOP_MS=3000
passed=0
failed=0

# check NAME CONDITION...: counts it, and says so
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "$name ... ok"
  else
    failed=$((failed + 1))
    echo "$name ... FAILED"
    echo "  stdout: $(cat "$work/out" 2>/dev/null)"
    echo "  stderr: $(cat "$work/err" 2>/dev/null)"
  fi
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# mevent ARGS...: runs a command; its exit code is in $code, what it wrote in the files out and err
mevent() {
  env -i "$bin" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
}

# answers CODE STDOUT STDERR: whether the last command did that; the texts are regular expressions
answers() { [ "$code" = "$1" ] && [[ $(cat "$work/out") =~ $2 ]] && [[ $(cat "$work/err") =~ $3 ]]; }

# serve ARGS...: starts a server; sets $server, $ready_ms and the ports and socket that its banner names
serve() {
  local started line
  started=$(now_ms)
  mkdir -p "$work/empty"
  exec 3< <(cd "$work/empty" && exec env -i "$bin" serve "$@" 2>"$work/server.err")
  server=$!
  IFS= read -r -t 20 -u 3 line || { cat "$work/server.err"; return 1; }
  ready_ms=$(($(now_ms) - started))
  tcp= udp=
  while IFS= read -r -t 5 -u 3 line; do
    case $line in
      "  tcp "*) tcp=${line##*:} ;;
      "  udp "*) udp=${line##*:} ;;
      *"mevent stats"*) break ;;
    esac
  done
}

# log_says PATTERN: waits up to ten seconds until the server has logged it
log_says() {
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    grep -q "$1" "$work/server.err" && return 0
    sleep 0.05
  done
  return 1
}

# ended: waits for the server's end; sets $code and $stop_ms, counted from $told
ended() {
  wait "$server"
  code=$?
  stop_ms=$(($(now_ms) - told))
  server=
}

size=$(stat -c %s "$bin")
check "the executable has $size bytes, under $MAX_BYTES" test "$size" -lt "$MAX_BYTES"

mevent --version
check "it tells its version" answers 0 '^mevent [0-9]+\.' '^$'
mevent send --prot 1
check "a wrong flag is exit 64 and names the nearest" answers 64 '^$' '\-\-port'

sock=$work/smoke.sock
serve --listen 127.0.0.1:0 --udp 127.0.0.1:0 --unix "$sock"
check "it was ready after $ready_ms ms, at most $MAX_READY_MS" test "$ready_ms" -le "$MAX_READY_MS"
[ "$ready_ms" -le "$WANTED_READY_MS" ] || echo "  slower than the $WANTED_READY_MS ms that are wanted"
check "its banner names the ports" test -n "$tcp" -a -n "$udp"

for transport in tcp udp unix; do
  case $transport in
    tcp) way=(--port "$tcp") ;;
    udp) way=(--port "$udp" --udp) ;;
    unix) way=(--unix "$sock") ;;
  esac
  mevent send "${way[@]}" --biz 3 --cmd 1001 --json '{"uid": 7}'
  check "sync over $transport" answers 0 '^\{"uid": ?7\}$' '^1000 REP_OK'
  mevent send "${way[@]}" --biz 3 --cmd 1001 --json '{"uid": 7}' --async
  check "async over $transport" answers 0 '^$' '^1000 REP_OK.*queued'
done
printf 'name = Ann\n' >"$work/ann.hdf"
mevent send --port "$tcp" --biz echo --cmd 1001 --hdf "$work/ann.hdf"
check "HDF" answers 0 '^name = Ann$' '^1000 REP_OK'
mevent send --port "$tcp" --biz echo --cmd 1003
check "a missing param is exit 65" answers 65 '"errcode":23' '^23 REP_ERR_BADPARAM'
mevent send --port "$tcp" --biz echo --cmd 1001 --count 1000 --concurrency 10
check "a thousand requests from ten callers" answers 0 '1000 +1,000 REP_OK' '^$'
mevent stats --port "$tcp" --json
check "stats as JSON" answers 0 '^\{.*"name":"echo".*\}$' '^$'
mevent stats --unix "$sock"
check "stats as a table" answers 0 'echo +3 ' '^$'

mevent send --port "$tcp" --biz echo --cmd 1003 ms:=500 --async
told=$(now_ms)
kill -TERM "$server"
ended
check "TERM ends it with exit 0 ($stop_ms ms)" test "$code" = 0
check "what was queued was done before" grep -q '"operations_done":1,"operations_abandoned":0' "$work/server.err"
mevent send --port "$tcp" --biz 3 --cmd 1001
check "no server is exit 69" answers 69 '^$' 'cannot reach'

serve --listen 127.0.0.1:0 --no-udp
mevent send --port "$tcp" --biz echo --cmd 1003 ms:=60000 --async
kill -TERM "$server"
log_says '"message":"stopping"'
# Sooner it would be the same one, as a terminal and those in between send it.
sleep 0.6
told=$(now_ms)
kill -TERM "$server"
ended
check "a second TERM stops it at once ($stop_ms ms)" test "$stop_ms" -lt "$MAX_STOP_MS"
check "and what was given up is told" grep -q '"operations_abandoned":1' "$work/server.err"

# The drivers are inside, and work with what the config grants.
for url in postgres://app@127.0.0.1:1/shop mariadb://app@127.0.0.1:1/shop; do
  printf '[[plugin]]\nname = "db"\nmodule = "builtin:sql"\npermissions = { net = ["127.0.0.1:1"] }\n' >"$work/sql.toml"
  printf '[plugin.config]\nurl = "%s"\nqueries = { one = "SELECT 1" }\n' "$url" >>"$work/sql.toml"
  mevent serve --config "$work/sql.toml" --listen 127.0.0.1:0 --no-udp
  check "sql says that ${url%%:*} is not there" answers 78 '^$' 'ECONNREFUSED'
done
cat >"$work/sql.toml" <<TOML
[[plugin]]
name = "db"
module = "builtin:sql"
permissions = { read = ["$work"], write = ["$work"] }
[plugin.config]
url = "sqlite:$work/smoke.db"
queries = { sum = "SELECT :a + :b AS sum" }
TOML
# An empty file is an empty database; one that is not there is refused.
: >"$work/smoke.db"
serve --config "$work/sql.toml" --listen 127.0.0.1:0 --no-udp
mevent send --port "$tcp" --biz db --cmd 1003 --json '{"query": "sum", "params": {"a": 1, "b": 2}}'
check "sql asks SQLite" answers 0 '"sum": ?3' '^1000 REP_OK'
told=$(now_ms)
kill -TERM "$server"
ended

cat >"$work/hello.js" <<'JS'
export default {
  name: "hello",
  commands: { 1001: { name: "greet", run: ({ params }) => ({ greeting: `Hello, ${params.string("name")}!` }) } },
};
JS
printf '[[plugin]]\nname = "hello"\nmodule = "./hello.js"\n' >"$work/hello.toml"
serve --config "$work/hello.toml" --listen 127.0.0.1:0 --no-udp
mevent send --port "$tcp" --biz hello --cmd 1001 name=Ann
check "a plugin in JavaScript answers" answers 0 '^\{"greeting":"Hello, Ann!"\}$' '^1000 REP_OK'
told=$(now_ms)
kill -INT "$server"
ended
check "INT ends it with exit 0" test "$code" = 0

printf 'export enum Colour { Red }\n' >"$work/typed.ts"
printf '[[plugin]]\nname = "typed"\nmodule = "./typed.ts"\n' >"$work/typed.toml"
mevent serve --config "$work/typed.toml" --listen 127.0.0.1:0 --no-udp
check "a plugin that does not load is told with its place" answers 78 '^$' 'typed.ts:1:8: TypeScript enum is not supported'
check "nothing was written where it ran" test -z "$(ls -A "$work/empty")"

result=ok
[ "$failed" = 0 ] || result=FAILED
echo "$result | $passed passed | $failed failed"
[ "$failed" = 0 ]
