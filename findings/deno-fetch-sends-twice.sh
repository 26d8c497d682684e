#!/bin/sh
# Deno's fetch sends a POST a second time by itself where the server has read it and closed without an answer, if it can
# copy the body: bytes, a text, or none. A Blob's and a stream's it cannot, and those are sent once. RFC 9110, 9.2.2, has a
# client repeat no request that is not idempotent unless it knows that the first was not applied.
#
# Seen with Deno 2.7.11: 2 requests for no body, a text and bytes, also with DELETE, and with half a status line as the
# answer; 1 for a Blob and a stream. Needs npx.
set -eu
version=2.7.11
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > fetch.ts <<'TS'
let requests = 0;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
(async () => {
  for await (const connection of listener) {
    if (await connection.read(new Uint8Array(65_536)) !== null) requests++;
    connection.close();
  }
})();
const bodies: Record<string, () => BodyInit | undefined> = {
  none: () => undefined,
  text: () => "order 7",
  bytes: () => new TextEncoder().encode("order 7"),
  blob: () => new Blob(["order 7"]),
  stream: () => new Blob(["order 7"]).stream(),
};
for (const [kind, body] of Object.entries(bodies)) {
  for (const method of ["POST", "DELETE"]) {
    requests = 0;
    await fetch(`http://127.0.0.1:${listener.addr.port}/`, { method, body: body() }).catch(() => {});
    console.log(`${method} ${kind}: ${requests}`);
  }
}
Deno.exit();
TS
NO_COLOR=1 npx -y "deno@$version" run --quiet --allow-net fetch.ts | tee seen
cat > wanted <<'TEXT'
POST none: 2
DELETE none: 2
POST text: 2
DELETE text: 2
POST bytes: 2
DELETE bytes: 2
POST blob: 1
DELETE blob: 1
POST stream: 1
DELETE stream: 1
TEXT
diff wanted seen
echo "as seen with Deno $version"
