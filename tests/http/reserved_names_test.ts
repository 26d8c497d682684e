import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const ALL = testToken("all", ["call", "enqueue", "stats"]);

Deno.test("what the server itself is asked over HTTP is answered at once, and a login is refused", async (t) => {
  await using server = await TestServer.start({
    server: { udp: "", http: "127.0.0.1:0", auth: "token" },
    file: {
      listener: [{ http: "127.0.0.1:0" }],
      token: [ALL.table],
    },
  });
  const [own, open] = server.server.addresses.filter((each) => each.startsWith("http "))
    .map((each) => each.replace("http ", "http://"));
  const authorization = `Bearer ${ALL.token}`;
  const post = async (url: string, body: string, type = "application/json") => {
    const headers = { "content-type": type, authorization };
    const response = await fetch(url, { method: "POST", headers, body });
    return { status: response.status, text: await response.text() };
  };
  const batch = async (url: string, ...lines: unknown[]) => {
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    const answer = await post(`${url}/v1/batch`, text, "application/x-ndjson");
    return answer.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  };
  for (const [kind, url] of [["with tokens", own!], ["open to all", open!]] as const) {
    await t.step(`a login on a listener ${kind}, whatever its token`, async () => {
      for (const token of [ALL.token, "wrong"]) {
        for (const path of ["Reserve.Auth/1", "Reserve.Auth/1?async", "%52eserve.Auth/7"]) {
          const { status, text } = await post(`${url}/v1/${path}`, JSON.stringify({ token }));
          const problem = JSON.parse(text);
          assertEquals([status, problem.code], [404, 18]);
          assertStringIncludes(problem.detail, "Authorization: Bearer");
        }
        const lines = await batch(
          url,
          { id: 1, plugin: "Reserve.Auth", command: 1, params: { token } },
          { id: 2, plugin: "Reserve.Auth", command: 1, params: { token }, async: true },
          { id: 3, plugin: "echo", command: 1001, params: { token } },
        );
        assertEquals(
          new Map(lines.map(({ id, code, status }) => [id, [code, status]])),
          new Map<number, unknown[]>([[1, [18, 404]], [2, [18, 404]], [3, [1000, undefined]]]),
        );
        assertStringIncludes(lines.find(({ id }) => id === 1).error, "Authorization: Bearer");
      }
    });
    await t.step(`figures on a listener ${kind}, also where they are asked for asynchronously`, async () => {
      for (const name of ["Reserve.Status", "Reserve.Stats"]) {
        for (const query of ["", "?async"]) {
          const { status, text } = await post(`${url}/v1/${name}/1${query}`, "{}");
          assertEquals([status, typeof JSON.parse(text)], [200, "object"]);
        }
        const [line] = await batch(url, { id: 1, plugin: name, command: 1, async: true });
        assertEquals([line.code, typeof line.result, line.accepted], [1000, "object", undefined]);
      }
    });
  }
  await t.step("who has no token is asked for one first", async () => {
    const response = await fetch(`${own}/v1/Reserve.Auth/1`, {
      method: "POST",
      body: JSON.stringify({ token: ALL.token }),
    });
    await response.body?.cancel();
    assertEquals(response.status, 401);
  });
});
