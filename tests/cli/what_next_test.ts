import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type } from "arktype";
import fc from "fast-check";
import * as v from "valibot";
import { z } from "zod";
import { quoted } from "../../src/cli/shell.ts";
import { type StartedListener, type StartedPlugin, whatNext } from "../../src/cli/what_next.ts";
import type { StandardSchema } from "../../src/plugin.ts";
import { exampleParams } from "../../src/host/params_example.ts";
import { mevent } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";

const ECHO: StartedPlugin = { name: "echo", biz: 3, module: "builtin:echo", commands: [1001], example: null };
const tcp = (hostname: string, port: number): Deno.Addr => ({ transport: "tcp", hostname, port });

const plain = (address: Deno.Addr): StartedListener => ({ address, tls: null, auth: "none" });

function lines(
  streams: Deno.Addr[],
  datagrams: Deno.Addr[] = [],
  plugins: StartedPlugin[] = [ECHO],
): string[] {
  const controls = ["unix /run/it's.sock"];
  return whatNext({ streams: streams.map(plain), datagrams, http: [], controls, plugins }).split("\n").slice(
    1,
    -1,
  );
}

Deno.test("the next commands name host, port and socket where a client would not find the server by itself", () => {
  const send = "  mevent send --biz 3 --cmd 1001";
  const json = ` --json '{"uid": 7}'`;
  const unix = { transport: "unix", path: "/tmp/my mevent.sock" } as const;
  const cases: [Deno.Addr, string][] = [
    [tcp("127.0.0.1", 26000), ""],
    [tcp("0.0.0.0", 26000), ""],
    [tcp("127.0.0.1", 4000), " --port 4000"],
    [tcp("127.0.0.2", 26000), " --host 127.0.0.2"],
    [tcp("::1", 4000), " --host ::1 --port 4000"],
    [tcp("::", 26000), " --host ::1"],
    [tcp("192.0.2.7", 26000), " --host 192.0.2.7"],
    [unix, " --unix '/tmp/my mevent.sock'"],
  ];
  for (const [address, where] of cases) {
    assertEquals(lines([address]), [`${send}${where}${json}`, `  mevent stats${where}`]);
  }
  const udp = { transport: "udp", hostname: "::1", port: 4000 } as const;
  assertEquals(lines([], [udp]), [
    `${send} --host ::1 --port 4000 --udp${json}`,
    `  mevent stats --control '/run/it'\\''s.sock'`,
  ]);
});

Deno.test("the next commands say what callers have to show, and go by HTTP where there is nothing else", () => {
  const address = tcp("127.0.0.1", 4000);
  const tls = { cert: "/etc/my cert.pem", clientCa: null };
  const wire = (...streams: StartedListener[]) =>
    whatNext({ streams, datagrams: [], http: [], controls: [], plugins: [ECHO] }).split("\n").slice(1, -1);
  const http = (listener: StartedListener, plugins = [ECHO]) =>
    whatNext({ streams: [], datagrams: [], http: [listener], controls: ["unix /c.sock"], plugins })
      .split("\n").slice(1, -1);
  const send = "  mevent send --biz 3 --cmd 1001 --port 4000";
  const json = `--json '{"uid": 7}'`;
  const token = "# and a token in MEVENT_TOKEN: `mevent token new` makes one";
  assertEquals(wire({ address, tls, auth: "none" }), [
    `${send} --tls --ca '/etc/my cert.pem' ${json}`,
    "  mevent stats --port 4000 --tls --ca '/etc/my cert.pem'",
  ]);
  assertEquals(wire({ address, tls: null, auth: "token" }), [
    `${send} ${json} ${token}`,
    `  mevent stats --port 4000 ${token}`,
  ]);
  assertEquals(
    wire({ address, tls: { cert: "c.pem", clientCa: "ca.pem" }, auth: "certificate" })[0],
    `${send} --tls --ca c.pem ${json} # and --cert and --key: a certificate that ca.pem has signed`,
  );
  assertEquals(wire({ address, tls, auth: "token" }, plain(tcp("127.0.0.1", 26000)))[1], "  mevent stats");
  const curl = "  curl -s -H 'Content-Type: application/json'";
  assertEquals(http(plain(tcp("::", 4000))), [
    `${curl} -d '{"uid": 7}' 'http://[::1]:4000/v1/3/1001'`,
    "  mevent stats --control /c.sock",
  ]);
  assertEquals(
    http({ address, tls: { cert: "c.pem", clientCa: null }, auth: "token" }, [{
      ...ECHO,
      module: "own.ts",
    }])[0],
    `${curl} -H "Authorization: Bearer $MEVENT_TOKEN" --cacert c.pem -d '{}' https://127.0.0.1:4000/v1/3/1001 ` +
      "# and what the command takes, in place of {}; and a token in MEVENT_TOKEN: `mevent token new` makes one",
  );
});

Deno.test("the next commands show a plugin whose params are known, else say that there are params", () => {
  const own = { ...ECHO, name: "my own", biz: undefined, module: "file:///own.ts", commands: [7000, 7001] };
  const at = [tcp("127.0.0.1", 26000)];
  assertEquals(
    lines(at, [], [own])[0],
    "  mevent send --biz 'my own' --cmd 7000 # and what the command takes: key=value, key:=JSON",
  );
  const known = { ...own, example: `{"it's":"text"}` };
  assertEquals(
    lines(at, [], [{ ...own, commands: [] }, own, known])[0],
    `  mevent send --biz 'my own' --cmd 7000 --json '{"it'\\''s":"text"}'`,
  );
  assertEquals(lines(at, [], []), ["  mevent stats"]);
});

Deno.test("a shell gets a quoted word as it was", async () => {
  const words = fc.sample(fc.string().filter((word) => !word.includes("\0")), 60)
    .filter((word) => word.isWellFormed() && !word.includes("\n"));
  const script = words.map((word) => `printf '%s\\n' ${quoted(word)}`).join("\n");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  assertEquals(new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout).split("\n").slice(0, -1), words);
});

/** Schemas of the libraries, and one of nobody's. */
const SCHEMAS: Readonly<Record<string, StandardSchema>> = {
  "texts and numbers": v.object({ name: v.string(), price: v.number(), note: v.optional(v.string()) }),
  "nothing that is needed": v.object({ note: v.optional(v.string()) }),
  "a list of objects": z.object({ items: z.array(z.object({ sku: z.string(), count: z.int() })).min(1) }),
  "a choice": z.object({ size: z.enum(["small", "large"]), on: z.boolean() }),
  "bounds": z.object({ age: z.number().min(18), code: z.string().min(12) }),
  "formats": z.object({ mail: z.email(), link: z.url(), id: z.uuid(), day: z.iso.date() }),
  "coerced text": z.object({ n: z.coerce.number() }),
  "arktype": type({ name: "string", kind: "'a' | 'b'", "note?": "string", deep: { n: "number > 5" } }),
  "valibot's choice": v.object({
    kind: v.picklist(["x", "y"]),
    tags: v.array(v.string()),
    when: v.pipe(v.string(), v.isoDate()),
  }),
};

Deno.test("an example is found of what a schema takes, whatever its library", async (t) => {
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    await t.step(name, () => {
      const example = exampleParams(schema);
      assert(example !== null);
      assertEquals(
        (schema["~standard"].validate(JSON.parse(example)) as { issues?: unknown }).issues,
        undefined,
      );
    });
  }
  await t.step("none where there is none, where it takes time, or throws", () => {
    const own = (
      validate: () => never | { issues: { message: string; path?: string[] }[] } | Promise<never>,
    ) => ({ "~standard": { version: 1, vendor: "own", validate } }) as unknown as StandardSchema;
    assertEquals(exampleParams(own(() => ({ issues: [{ message: "no", path: ["a"] }] }))), null);
    assertEquals(exampleParams(own(() => ({ issues: [{ message: "all of it" }] }))), null);
    assertEquals(exampleParams(own(() => Promise.reject(new Error("later")))), null);
    assertEquals(
      exampleParams(own(() => {
        throw new Error("broken");
      })),
      null,
    );
  });
});

Deno.test("what serve says next works as it is printed, with the params of the command's schema", async () => {
  await using server = await TestServer.start({
    plugins: [{
      name: "orders",
      source: `import * as v from "valibot";
        export default { name: "orders", commands: { 1001: { name: "order",
          params: v.object({ price: v.number(), pieces: v.number(), to: v.string() }), run: ({ input }) => input } } };`,
    }],
  });
  const [plugin] = server.server.registry.plugins;
  const { commands, example } = plugin!.pool.declaration!;
  const started = {
    name: "orders",
    biz: undefined,
    module: "",
    commands: commands.map(({ number }) => number),
    example,
  };
  const text = whatNext({
    streams: server.server.streams.map(({ address }) => plain(address)),
    datagrams: [],
    http: [],
    controls: [],
    plugins: [started],
  });
  const [send = "", stats = ""] = text.split("\n").slice(1).map((line) => line.trim().replace("mevent ", ""));
  assertStringIncludes(send, `--port ${server.tcp.port}`);
  const [flags = "", json = ""] = send.split(" --json ");
  const sent = await mevent([...flags.split(" "), "--json", json.slice(1, -1)]);
  assertEquals([sent.code, JSON.parse(sent.stdout)], [0, { price: 1, pieces: 1, to: "text" }], sent.stderr);
  assertEquals((await mevent(stats.split(" "))).code, 0);
});
