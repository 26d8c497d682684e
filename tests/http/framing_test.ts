import { assert, assertEquals, assertMatch } from "@std/assert";
import { httpRequest, RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const POST = "POST /v1/echo/1001 HTTP/1.1\r\nHost: mevent\r\nContent-Type: application/json\r\n";
/** What a proxy may have taken for a part of the body, or for a request of its own. */
const SMUGGLED = httpRequest("POST", "/v1/echo/1002");

Deno.test("HTTP/1.1 as it is framed", async (t) => {
  await using server = await TestServer.start({ server: { http: "127.0.0.1:0" } });
  const accepted = () => server.plugin("echo").accepted;

  await t.step("what could be understood in two ways is refused, and nothing behind it is run", async () => {
    const cases: [what: string, request: string, status: number][] = [
      ["two lengths", `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
      ["two different lengths", `${POST}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`, 400],
      ["a list of lengths", `${POST}Content-Length: 2, 2\r\n\r\n{}`, 400],
      ["a signed length", `${POST}Content-Length: +2\r\n\r\n{}`, 400],
      ["a hexadecimal length", `${POST}Content-Length: 0x2\r\n\r\n{}`, 400],
      ["an empty length", `${POST}Content-Length:\r\n\r\n{}`, 400],
      [
        "a length and chunks",
        `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        400,
      ],
      [
        "chunks and a length",
        `${POST}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        400,
      ],
      [
        "chunked twice",
        `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        400,
      ],
      ["chunked, identity", `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 501],
      ["xchunked", `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
      ["a tab in the name", `${POST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`, 400],
      ["a blank before the colon", `${POST}Content-Length : 2\r\n\r\n{}`, 400],
      ["obs-fold", `${POST}X: a\r\n b\r\n\r\n`, 400],
      ["a bare LF", `${POST}X: a\nContent-Length: 2\r\n\r\n{}`, 400],
      ["a bare CR", `${POST}X: a\rContent-Length: 2\r\n\r\n{}`, 400],
      ["a NUL", `${POST}X: a\0b\r\n\r\n`, 400],
      ["no name", `${POST}: a\r\n\r\n`, 400],
      ["no Host", "GET /readyz HTTP/1.1\r\n\r\n", 400],
      ["two Hosts", "GET /readyz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
      ["two blanks", "GET  /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 400],
      ["no method", "\x16\x03\x01\x02", 400],
      ["HTTP/0.9", "GET /readyz\r\n\r\n", 400],
      ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
      [
        "chunks in HTTP/1.0",
        "POST /v1/echo/1001 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
      ],
      ["another Expect", `${POST}Expect: more\r\nContent-Length: 2\r\n\r\n{}`, 417],
      ["a long target", `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
      ["many headers", `GET / HTTP/1.1\r\nHost: a\r\n${"a: b\r\n".repeat(101)}\r\n`, 431],
      ["a long head", `GET / HTTP/1.1\r\nHost: a\r\n${`a: ${"b".repeat(2000)}\r\n`.repeat(9)}\r\n`, 431],
      ["a bad chunk size", `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
      ["a chunk size of 2^36", `${POST}Transfer-Encoding: chunked\r\n\r\n1000000002\r\n{}\r\n0\r\n\r\n`, 400],
      ["a chunk that is longer", `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n`, 400],
      ["a chunk ended by LF", `${POST}Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n`, 400],
      ["no chunk size", `${POST}Transfer-Encoding: chunked\r\n\r\n;a=b\r\n{}\r\n0\r\n\r\n`, 400],
      ["a length out of bounds", `${POST}Content-Length: 99999999999999999999\r\n\r\n{}`, 413],
    ];
    const before = accepted();
    for (const [what, request, status] of cases) {
      using raw = await RawHttp.connect(server.http);
      await raw.send(request + SMUGGLED);
      const response = await raw.response();
      assertEquals([response.status, response.headers.get("connection")], [status, "close"], what);
      assertEquals(await raw.rest(), "", what);
    }
    assertEquals(accepted(), before);
  });

  await t.step("what is legal is understood, in whatever pieces it comes", async () => {
    const cases: [what: string, request: string, body: string][] = [
      [
        "chunks",
        `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a="b"\r\n}\r\n0\r\nX: y\r\n\r\n`,
        "{}",
      ],
      ["capitals", `${POST}CONTENT-LENGTH: 2\r\n\r\n{}`, "{}"],
      ["white space around values", `${POST}Content-Length: \t 2 \t\r\n\r\n{}`, "{}"],
      ["an empty line before", `\r\n${POST}Content-Length: 2\r\n\r\n{}`, "{}"],
      [
        "an absolute target",
        "POST http://mevent:80/v1/echo/1001 HTTP/1.1\r\nHost: mevent\r\nContent-Type: application/json\r\n" +
        'Content-Length: 7\r\n\r\n{"a":1}',
        '{"a":1}',
      ],
    ];
    using raw = await RawHttp.connect(server.http);
    for (const [what, request, body] of cases) {
      await raw.send(request);
      const whole = await raw.response();
      assertEquals([whole.status, whole.body], [200, body], what);
      for (const byte of request) await raw.send(byte);
      const pieces = await raw.response();
      assertEquals([pieces.status, pieces.body], [200, body], what);
    }
  });

  await t.step("an absolute target without a path is the root", async () => {
    using raw = await RawHttp.connect(server.http);
    const answers: [status: number, body: string][] = [];
    for (const target of ["/", "http://mevent", "http://mevent/", "HTTP://mevent:80", "http://mevent?a=b"]) {
      await raw.send(`GET ${target} HTTP/1.1\r\nHost: mevent\r\n\r\n`);
      const { status, body } = await raw.response();
      answers.push([status, body]);
    }
    assertEquals(answers, answers.map(() => answers[0]!));
    assert(answers[0]![0] !== 400, String(answers[0]));
    await raw.send("GET http://mevent?wait=1s/readyz HTTP/1.1\r\nHost: mevent\r\n\r\n");
    assertEquals((await raw.response()).status, answers[0]![0], "what follows ? is no path");
  });

  await t.step("pipelined requests are answered in their order", async () => {
    using raw = await RawHttp.connect(server.http);
    const count = 200;
    await raw.send(
      Array.from(
        { length: count },
        (_, n) => httpRequest("POST", n % 3 === 0 ? "/readyz" : "/v1/echo/1001", { body: `{"n":${n}}` }),
      ).join(""),
    );
    for (let n = 0; n < count; n++) {
      const { status, body } = await raw.response();
      if (n % 3 === 0) assertEquals(status, 405);
      else assertEquals(body, `{"n":${n}}`);
    }
  });

  await t.step(
    "HEAD has a GET's headers and no body; OPTIONS and 405 tell the methods; 404 the rest",
    async () => {
      using raw = await RawHttp.connect(server.http);
      await raw.send(httpRequest("GET", "/openapi.json"));
      const got = await raw.response();
      await raw.send(httpRequest("HEAD", "/openapi.json"));
      const head = await raw.response(true);
      assertEquals([head.status, head.headers.get("content-length")], [
        200,
        got.headers.get("content-length"),
      ]);
      for (
        const [path, allow] of [
          ["/readyz", "GET, HEAD, OPTIONS"],
          ["/v1/batch", "POST, OPTIONS"],
          ["/v1/operations/1001", "POST, GET, HEAD, OPTIONS"],
          ["*", "POST, GET, HEAD, OPTIONS"],
        ] as const
      ) {
        await raw.send(httpRequest("OPTIONS", path));
        const options = await raw.response();
        assertEquals([options.status, options.headers.get("allow")], [204, allow], path);
        if (path === "*") continue;
        await raw.send(httpRequest("DELETE", path));
        const refused = await raw.response();
        assertEquals([refused.status, refused.headers.get("allow")], [405, allow], path);
      }
      for (
        const path of [
          "/v1",
          "/v1/echo",
          "/v1/echo/",
          "/v1/echo/1001/",
          "/v1//1001",
          "/v1/echo/-1",
          "/v1/echo/70000",
        ]
      ) {
        await raw.send(httpRequest("POST", path, { body: "{}" }));
        assertEquals((await raw.response()).status, 404, path);
      }
      await raw.send(httpRequest("POST", "/v1/%ff/1001", { body: "{}" }));
      assertEquals((await raw.response()).status, 400);
    },
  );

  await t.step("a connection is kept, or not, as its version and its headers say", async () => {
    for (
      const [request, isKept] of [
        ["GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", true],
        ["GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false],
        ["GET /readyz HTTP/1.0\r\n\r\n", false],
        ["GET /readyz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true],
      ] as const
    ) {
      using raw = await RawHttp.connect(server.http);
      await raw.send(request);
      const { headers } = await raw.response();
      assertEquals(
        headers.get("connection"),
        isKept ? (request.includes("1.0") ? "keep-alive" : undefined) : "close",
      );
      if (!isKept) {
        assertEquals(await raw.rest(), "");
        continue;
      }
      await raw.send(request);
      assertEquals((await raw.response()).status, 200);
    }
  });

  await t.step("a body that is too long is refused before it comes", async () => {
    using raw = await RawHttp.connect(server.http);
    await raw.send(`${POST}Content-Length: ${100 * 1024 * 1024}\r\nExpect: 100-continue\r\n\r\n`);
    assertEquals((await raw.response()).status, 413);
    using chunked = await RawHttp.connect(server.http);
    const sending = (async () => {
      await chunked.send(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
      for (let n = 0; n < 1600; n++) await chunked.send(`10000\r\n${"x".repeat(65_536)}\r\n`);
    })().catch(() => "closed");
    assertEquals((await chunked.response()).status, 413);
    chunked[Symbol.dispose]();
    await sending;
    await until("both are closed", () => server.stats().connections.open === 0);
    assert(server.stats().limits["max_frame"]! >= 2);
  });

  await t.step("who waits for it is told to go on", async () => {
    using raw = await RawHttp.connect(server.http);
    await raw.send(`${POST}Content-Length: 7\r\nExpect: 100-continue\r\n\r\n`);
    assertEquals((await raw.response()).status, 100);
    await raw.send('{"a":1}');
    assertEquals((await raw.response()).body, '{"a":1}');
    await raw.send(`POST /v1/none HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n`);
    assertEquals((await raw.response()).status, 404);
  });

  await t.step("an upload that is given up leaves nothing behind", async () => {
    const before = accepted();
    for (
      const part of [
        "POST /v1/ec",
        `${POST}Content-Length: 9\r\n\r\n{"a":`,
        `${POST}Transfer-Encoding: chunked\r\n\r\n9\r\n{`,
      ]
    ) {
      using raw = await RawHttp.connect(server.http);
      await raw.send(part);
      await server.until("it is there", () => server.stats().connections.open > 0);
    }
    await server.until("they are gone", () => server.stats().connections.open === 0);
    assertEquals(accepted(), before);
  });

  await t.step("who says that it sends no more is answered all the same", async () => {
    using raw = await RawHttp.connect(server.http);
    await raw.send(httpRequest("POST", "/v1/echo/1003", { body: '{"ms":20}' }));
    await raw.socket.closeWrite();
    assertEquals((await raw.response()).status, 200);
    assertEquals(await raw.rest(), "");
  });

  await t.step(
    "all that has come whole before that is answered, however long it takes, and what is in pieces is not run",
    async () => {
      using raw = await RawHttp.connect(server.http);
      const before = accepted();
      const count = 40;
      for (let n = 0; n < count; n++) {
        await raw.send(
          n % 4 === 0
            ? httpRequest("POST", "/v1/echo/1003", { body: '{"ms":5}' })
            : httpRequest("POST", "/v1/echo/1001", { body: `{"n":${n}}` }),
        );
      }
      await raw.send(`${POST}Content-Length: 9\r\n\r\n{"a":`);
      await raw.socket.closeWrite();
      for (let n = 0; n < count; n++) {
        assertEquals((await raw.response()).body, n % 4 === 0 ? "null" : `{"n":${n}}`);
      }
      assertEquals(await raw.rest(), "");
      assertEquals(accepted() - before, count);
    },
  );
});

Deno.test("over HTTP time has bounds, too", async (t) => {
  await using server = await TestServer.start({
    server: {
      http: "127.0.0.1:0",
      frame_timeout: "300ms",
      keep_alive_timeout: "300ms",
      cors: "https://shop.example",
    },
  });

  await t.step("a head or a body that does not come to its end is answered 408", async () => {
    for (
      const part of [
        "GET / HTTP/1.1\r\nHo",
        `${POST}Content-Length: 9\r\n\r\n{"a":`,
        `${POST}Transfer-Encoding: chunked\r\n\r\n9\r\n{`,
      ]
    ) {
      using raw = await RawHttp.connect(server.http);
      await raw.send(part);
      assertEquals((await raw.response()).status, 408);
      assertEquals(await raw.rest(), "");
    }
    assert(server.stats().limits["frame_timeout"]! >= 3);
  });

  await t.step("a batch whose line does not come to its end is told so, and ended", async () => {
    using raw = await RawHttp.connect(server.http);
    const headers = { "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked" };
    await raw.send(httpRequest("POST", "/v1/batch", { headers }), '4\r\n{"id\r\n');
    const { status, body } = await raw.response();
    assertEquals(status, 200);
    assertMatch(body, /^\{"line":1,"code":17,"status":400,"error":"the request did not come/);
    assertEquals(await raw.rest(), "");
  });

  await t.step(
    "a connection on which nothing is asked is closed, one that waits for a result is not",
    async () => {
      using idle = await RawHttp.connect(server.http);
      using waiting = await RawHttp.connect(server.http);
      await waiting.send(httpRequest("POST", "/v1/echo/1003", { body: '{"ms":2500}' }));
      assertEquals(await idle.rest(), "");
      assertEquals((await waiting.response()).status, 200);
      assert(server.stats().limits["keep_alive_timeout"]! >= 1);
    },
  );

  await t.step("pages of the origins that are named may call, and are told so", async () => {
    using raw = await RawHttp.connect(server.http);
    const headers = { Origin: "https://shop.example" };
    await raw.send(httpRequest("POST", "/v1/echo/1001", { body: "{}", headers }));
    const response = await raw.response();
    assertEquals([response.status, response.headers.get("access-control-allow-origin")], [
      200,
      headers.Origin,
    ]);
    assertEquals(response.headers.get("vary"), "Origin");
    await raw.send(httpRequest("OPTIONS", "/v1/echo/1001", {
      headers: {
        ...headers,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Content-Type,Idempotency-Key",
      },
    }));
    const preflight = await raw.response();
    assertEquals(preflight.headers.get("access-control-allow-methods"), "POST, OPTIONS");
    assertEquals(preflight.headers.get("access-control-allow-headers"), "content-type, idempotency-key");
    await raw.send(httpRequest("POST", "/v1/echo/1001", { body: "{}", headers: { Origin: "null" } }));
    assertEquals((await raw.response()).status, 403);
  });

  await t.step("a server that stops answers what it has begun and keeps no connection", async () => {
    using busy = await RawHttp.connect(server.http);
    using idle = await RawHttp.connect(server.http);
    await idle.send(httpRequest("GET", "/readyz"));
    assertEquals((await idle.response()).status, 200);
    await busy.send(httpRequest("POST", "/v1/echo/1003", { body: '{"ms":200}' }));
    await server.until("it runs", () => server.plugin("echo").in_flight === 1);
    const stopped = server.server.stop();
    await idle.send(httpRequest("GET", "/readyz"));
    const { status, headers } = await idle.response();
    assertEquals([status, headers.get("connection")], [503, "close"]);
    assertEquals((await busy.response()).status, 200);
    await stopped;
    assertEquals(await busy.rest(), "");
  });
});
