import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonValue } from "../../src/plugin.ts";
import { TestCertificates } from "../support/certificates.ts";
import { CAUGHT, HAS_PHP, PHP_CLIENT, PHP_NOTE, phpText, phpValue } from "../support/php.ts";
import { SHOP, startShop, urls } from "../support/php_plugin.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test({
  name:
    `the PHP client says that nobody listens, that a connection was lost, and connects again by itself${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const closing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = closing.addr.port;
    const accepting = (async () => {
      // The first connection is closed at the first byte, the second is answered and closed, the third answered, too.
      for (let count = 0; count < 3; count++) {
        using socket = await closing.accept();
        const message = new Uint8Array(1000);
        await socket.read(message);
        if (count === 0) continue;
        const reply = new DataView(new ArrayBuffer(12));
        reply.setUint32(0, 12);
        reply.setUint32(4, new DataView(message.buffer).getUint32(4) & 0x0fffffff);
        reply.setUint32(8, 1000);
        await socket.write(new Uint8Array(reply.buffer));
        if (count === 1) continue;
        // The last one goes when the client goes.
        while (await socket.read(message) !== null);
      }
    })();
    const value = await phpValue(`${CAUGHT}
      $client = new Mevent\\Client('tcp://127.0.0.1:${port}');
      $lost = $caught(fn () => $client->call('shop', 1002));
      $client->call('shop', 1002);
      $until = hrtime(true) + 10_000_000_000;
      $read = new ReflectionProperty(Mevent\\Connection::class, 'stream');
      $connection = (new ReflectionProperty(Mevent\\Client::class, 'connection'))->getValue($client);
      // The server's end has come when its socket can be read, or came with the reply.
      while (($stream = $read->getValue($connection)) !== null && hrtime(true) < $until) {
        $ready = [$stream];
        $none = null;
        if (stream_select($ready, $none, $none, 1) === 1) break;
      }
      $client->call('shop', 1002);
      return $lost;`);
    await accepting;
    closing.close();
    assertEquals((value as JsonValue[]).slice(0, 2), ["LostException", 0]);
    const nobody = await phpValue(`${CAUGHT}
      return array_map(fn ($url) => $caught(fn () => (new Mevent\\Client($url, ['timeout' => 20]))->call('shop', 1001)),
        ['tcp://127.0.0.1:${port}', 'unix:///nowhere/mevent.sock', 'udp://127.0.0.1:${port}']);`);
    const [tcp, unix, udp] = nobody as JsonValue[][];
    assertEquals(tcp, [
      "ConnectException",
      0,
      `tcp://127.0.0.1:${port} cannot be reached: Connection refused`,
    ]);
    assertEquals(unix!.slice(0, 2), ["ConnectException", 0]);
    assertEquals(udp, ["LostException", 0, `udp://127.0.0.1:${port} has nobody who listens`]);
  },
});

Deno.test({
  name: `the PHP client refuses options, addresses and replies that cannot be right${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      for (let count = 0; count < 2; count++) {
        using socket = await listener.accept();
        await socket.read(new Uint8Array(1000));
        // No mevent; and a reply whose text is longer than itself.
        const text = count === 0 ? "HTTP/1.1 400 Bad Request\r\n\r\n" : undefined;
        const reply = new DataView(new ArrayBuffer(28));
        [28, 1, 1000, 16, 3, 4, 0x6a736f6e].forEach((word, index) => reply.setUint32(index * 4, word));
        await socket.write(
          text === undefined ? new Uint8Array(reply.buffer) : new TextEncoder().encode(text),
        );
        await socket.read(new Uint8Array(1000)).catch(() => null);
      }
    })();
    const value = await phpValue(`${CAUGHT}
      $refused = function (...$arguments) { try { new Mevent\\Client(...$arguments); } catch (InvalidArgumentException $e) { return $e->getMessage(); } };
      $client = new Mevent\\Client('tcp://127.0.0.1:${listener.addr.port}');
      return [$refused('http://x'), $refused('tcp://x:0'), $refused('tcp://x', ['time_out' => 1]), $refused('tls://x', ['tls' => ['cacert' => 1]]),
        $refused('udp://x', ['token' => 'secret']), $refused('tcp://x', ['timeout' => 0]), $refused('unix:///x', ['persistent' => true]),
        $caught(fn () => $client->call('shop', 1001))[0], $caught(fn () => $client->call('shop', 1001))[0]];`);
    await answering;
    listener.close();
    const sentences = value as string[];
    for (
      const [index, part] of ["is no address", "is no address", 'no option "time_out"', 'tls "cacert"']
        .entries()
    ) {
      assertStringIncludes(sentences[index]!, part);
    }
    assertEquals(sentences.slice(7), ["ProtocolException", "ProtocolException"]);
    for (const sentence of sentences.slice(4, 7)) assert(sentence !== null, "not refused");
    assert(!sentences.join().includes("secret"));
  },
});

Deno.test({
  name: `a persistent connection outlives the request of a web server, unless it owes something${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    await using server = await startShop();
    const folder = await Deno.makeTempDir();
    const client = phpText(PHP_CLIENT);
    const url = phpText(urls(server)[0]!);
    await Deno.writeTextFile(
      `${folder}/page.php`,
      `<?php require ${client};
      $client = new Mevent\\Client(${url}, ['persistent' => true]);
      echo $client->call('shop', 1001, ['id' => $_GET['id']])['id'];
      if (isset($_GET['late'])) { try { $client->call('shop', 1008, timeout: 0.05); } catch (Mevent\\TimeoutException) { echo ' late'; } }`,
    );
    const web = new Deno.Command("php", {
      args: ["-S", "127.0.0.1:0", "-t", folder],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    try {
      const port = await listeningPort(web.stderr);
      const get = async (query: string) =>
        await (await fetch(`http://127.0.0.1:${port}/page.php?${query}`)).text();
      const opened = () => server.stats().connections.accepted;
      const before = opened();
      assertEquals([await get("id=a"), await get("id=b"), await get("id=c")], ["a", "b", "c"]);
      assertEquals(opened() - before, 1);
      assertEquals(await get("id=d&late=1"), "d late");
      assertEquals(await get("id=e"), "e");
      assertEquals(opened() - before, 2);
    } finally {
      web.kill();
      await web.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** The port that PHP's web server says it listens on; what it says later is read and left. */
async function listeningPort(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  const decoder = new TextDecoder();
  const reader = stderr.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`php -S ended: ${said}`);
    said += decoder.decode(value, { stream: true });
    const port = /http:\/\/127\.0\.0\.1:([0-9]+)/.exec(said)?.[1];
    if (port === undefined) continue;
    reader.releaseLock();
    void stderr.pipeTo(new WritableStream()).catch(() => {});
    return port;
  }
}

Deno.test({
  name: `the PHP client speaks TLS, and trusts nobody whom it has no reason to trust${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    await using certificates = await TestCertificates.make();
    const { cert, key } = await certificates.server();
    const own = await certificates.client({ subject: "/CN=shop" });
    const stranger = await certificates.client({ subject: "/CN=stranger", selfSigned: true });
    const tls = { cert, key, client_ca: certificates.ca };
    await using plain = await TestServer.start();
    await using server = await TestServer.start({ plugins: [SHOP], server: { max_frame: "2 MiB", tls } });
    const pair = (paths: { cert: string; key: string }) =>
      `['ca' => ${phpText(certificates.ca)}, 'cert' => ${phpText(paths.cert)}, 'key' => ${
        phpText(paths.key)
      }]`;
    const value = await phpValue(`${CAUGHT}
      $url = 'tls://localhost:${server.tcp.port}';
      $tls = ${pair(own)};
      $ask = fn (string $url, array $tls) => $caught(fn () => (new Mevent\\Client($url, ['tls' => $tls, 'timeout' => 20]))->call('shop', 1001, ['a' => 'ü']));
      $client = new Mevent\\Client($url, ['tls' => $tls, 'persistent' => true]);
      $text = str_repeat('Zoë 🐿', 120_000);
      $calls = array_fill(0, 10, new Mevent\\Call('shop', 1001, ['text' => $text]));
      $same = count(array_filter($client->callMany($calls), fn ($result) => $result === ['text' => $text]));
      return [$same, [$ask($url, $tls), $ask('tls://127.0.0.1:${server.tcp.port}', $tls), $ask($url, $tls + ['verify' => false])],
        $ask($url, ['ca' => null] + $tls), $ask($url, $tls + ['peer_name' => 'elsewhere']), $ask('tls://localhost:${plain.tcp.port}', $tls),
        [$ask($url, ['ca' => $tls['ca']])[0], $ask($url, ${pair(stranger)})[0]]];`);
    const [same, answered, unknown, elsewhere, noTls, uncertified] = value as [number, ...JsonValue[][]];
    assertEquals([same, answered], [10, Array(3).fill(["no error", { a: "ü" }])]);
    const failed = [unknown, elsewhere, noTls].map((each) => each![0]);
    assertEquals(failed, Array(3).fill("ConnectException"));
    assertStringIncludes(String(unknown![2]), "certificate verify failed");
    assertStringIncludes(String(elsewhere![2]), "elsewhere");
    // TLS 1.3 has the server look at the certificate when the client takes the handshake for done.
    for (const each of uncertified!) {
      assert(each === "LostException" || each === "ConnectException", String(each));
    }
  },
});
