import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { connectTls } from "../support/tls_caller.ts";
import { executableTest, Workplace } from "./executable.ts";

executableTest("TLS is served, and the stats tell until when its certificate is valid", async () => {
  await using certificates = await TestCertificates.make();
  const { cert, key } = await certificates.server();
  const port = freePort();
  await using place = await Workplace.make({});
  const tls = `tls = { cert = "${cert}", key = "${key}" }`;
  await place.write("mevent.toml", `[[listener]]\ntcp = "127.0.0.1:${port}"\n${tls}\n`);
  await using _server = await place.serve();
  using caller = await connectTls({ hostname: "127.0.0.1", port }, { caCerts: await certificates.trusted() });
  await caller.send(streamRequest({ params: { uid: 1 } }));
  assertEquals(valueOf(await caller.reply()), { uid: 1 });
  const { stdout } = await place.run("stats", "--unix", `${place.path}/mevent.sock`);
  assertStringIncludes(stdout, `certificate  of tcp 127.0.0.1:${port}: expires in 29 d 23 h`);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
