#!/usr/bin/env bash
# @std/toml as deno-std 1.4.0 on npm has it: valid TOML is read wrongly or refused, and keys that stand twice are taken.
#
# TOML 1.0: \UXXXXXXXX is a Unicode scalar value; a super-table may be defined after its sub-table; a key may be defined once.
# Seen with deno-std 1.4.0 (Node.js 18 and later): "\U0001F43F" becomes U+01F4 and "3F", [a.b] before [a] is refused with
# "key length is not a positive number" in the last line, the two lists of one key are joined. smol-toml 1.9.1 is right in all
# three. Exits with 1 where deno-std does otherwise than that.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund deno-std@1.4.0 smol-toml@1.9.1
cat > try.mjs <<'JS'
import { parse as std } from "deno-std/toml/mod.js";
import { parse as smol } from "smol-toml";

const tries = {
  'a = "\\U0001F43F"': ['{"a":"\u01f43F"}', '{"a":"\u{1F43F}"}'],
  "[a.b]\nx = 1\n[a]\ny = 2": ["refused", '{"a":{"b":{"x":1},"y":2}}'],
  "a = [1]\na = [2]": ['{"a":[1,2]}', "refused"],
};
const outcome = (parse, text) => {
  try {
    return JSON.stringify(parse(text));
  } catch {
    return "refused";
  }
};
let same = true;
for (const [text, [seen, right]] of Object.entries(tries)) {
  const [one, other] = [outcome(std, text), outcome(smol, text)];
  console.log(JSON.stringify(text), "deno-std:", one, "smol-toml:", other);
  same &&= one === seen && other === right;
}
process.exit(same ? 0 : 1);
JS
node try.mjs
