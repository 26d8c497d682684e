import { assertEquals, assertStringIncludes } from "@std/assert";
import { HAS_PYTHON, PYTHON_NOTE, runPython } from "../support/python.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test({
  name: `a client in plain Python round-trips HDF and JSON${PYTHON_NOTE}`,
  ignore: !HAS_PYTHON,
  fn: async () => {
    await using server = await TestServer.start();
    const lines = (await runPython("client.py", String(server.tcp.port))).trimEnd().split("\n");
    const [hdf, json, async, unknown] = lines.map((line) => JSON.parse(line));
    assertEquals(hdf, { id: 1, code: 1000, text: "uid = 7\nuser{\nname = Ann\n}\n" });
    assertEquals([json.id, json.code], [2, 1000]);
    assertEquals(JSON.parse(json.text), { uid: 7, name: "Änne", list: [1, { a: null }] });
    assertEquals(async, { id: 3, code: 1000, text: "" });
    assertEquals([unknown.id, unknown.code], [4, 18]);
    assertStringIncludes(unknown.text, "nobody");
  },
});
