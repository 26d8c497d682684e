import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection } from "../../src/client/connection.ts";
import { resolveDatagram } from "../../src/client/datagram_address.ts";
import { asServerStats } from "../../src/cli/stats/report.ts";
import { mevent } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";

const HAS_IPV6 = hasIpv6();

function hasIpv6(): boolean {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function on(hostname: string): Promise<TestServer> {
  return TestServer.start({ server: { udp: hostname.includes(":") ? `[${hostname}]:0` : `${hostname}:0` } });
}

Deno.test({
  name: "of a host's addresses the one is taken over UDP at which a server answers, else the first",
  ignore: !HAS_IPV6,
  async fn() {
    for (const hostname of ["127.0.0.1", "::1"]) {
      await using server = await on(hostname);
      const { port } = server.udp;
      for (const all of [["::1", "127.0.0.1"], ["127.0.0.1", "::1"], ["192.0.2.1", "::1", "127.0.0.1"]]) {
        const address = { transport: "udp", hostname: "many", port } as const;
        const found = await resolveDatagram(address, 5000, () => Promise.resolve(all));
        assertEquals(found, { ...address, hostname });
      }
      // It was asked what every server answers, and no operation.
      assertEquals(server.plugin("echo").accepted, 0);
    }
    const nobody = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const { port } = nobody.addr as Deno.NetAddr;
    const found = await resolveDatagram(
      { transport: "udp", hostname: "many", port },
      20,
      () => Promise.resolve(["127.0.0.1", "::1"]),
    );
    assertEquals(found.hostname, "127.0.0.1");
    nobody.close();
  },
});

Deno.test({
  name:
    "send and stats reach a server over UDP by localhost and by [::1], whichever of the two it listens on",
  ignore: !HAS_IPV6,
  async fn() {
    for (const hostname of ["127.0.0.1", "::1"]) {
      await using server = await on(hostname);
      const hosts = hostname === "::1" ? ["[::1]", "::1"] : ["localhost", "127.0.0.1"];
      for (const host of hosts) {
        const way = ["--udp", "--host", host, "--port", String(server.udp.port)];
        const sent = await mevent(["send", "--biz", "echo", "--cmd", "1001", "a=1", ...way]);
        assertEquals([sent.code, sent.stdout], [0, '{"a":"1"}\n'], sent.stderr);
        const stats = await mevent(["stats", "--json", ...way]);
        assertEquals(stats.code, 0, stats.stderr);
        assertEquals(asServerStats(JSON.parse(stats.stdout)).state, "running");
      }
    }
  },
});

Deno.test("send --udp shows the sentences of errors, and stats --udp asks longer where its answer is long", async () => {
  const many = Array.from({ length: 8 }, (_, index) => ({
    name: `p${index}`,
    biz: 100 + index,
    module: "builtin:skeleton",
  }));
  await using server = await TestServer.start({ plugins: [...many, { name: "echo" }] });
  const way = ["--udp", "--port", String(server.udp.port)];
  const unknown = await mevent(["send", "--biz", "echo", "--cmd", "7777", ...way]);
  assertStringIncludes(unknown.stderr, "plugin echo has no command 7777");
  const { code, stdout, stderr } = await mevent(["stats", ...way]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^p7 /m);
  assert(JSON.stringify(server.stats()).length > 3600);
  const long = await mevent(
    ["send", "--biz", "echo", "--cmd", "1001", "--json", JSON.stringify({ a: "x".repeat(70_000) })].concat(
      "--port",
      String(server.tcp.port),
    ),
  );
  assertEquals(long.code, 65);
  assertMatch(long.stderr, /^17 REP_ERR_BROKEN in .* the message has \d+ bytes, max_frame allows 65536/);
});

Deno.test("a client pads what it sends over UDP, and nothing else", async () => {
  await using server = await TestServer.start();
  const { tcp, udp } = server;
  await using plain = await Connection.connect({ transport: "udp", hostname: udp.hostname, port: udp.port });
  assertEquals((await plain.request("Reserve.Stats", 1000)).code, 22);
  await using padded = await Connection.connect(
    { transport: "udp", hostname: udp.hostname, port: udp.port },
    {
      padTo: 9000,
    },
  );
  assertEquals((await padded.request("Reserve.Stats", 1000)).code, 1000);
  assertEquals((await padded.request("echo", 1001, { a: 1 })).value, { a: 1 });
  await using stream = await Connection.connect(
    { transport: "tcp", hostname: tcp.hostname, port: tcp.port },
    {
      padTo: 9000,
    },
  );
  assertEquals((await stream.request("echo", 1001, { a: 1 })).value, { a: 1 });
});
