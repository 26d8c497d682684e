import { assertEquals, assertMatch } from "@std/assert";
import { SlowLog } from "../../src/pool/slow_log.ts";
import { streamRequest } from "../support/requests.ts";
import { testLog } from "../support/test_log.ts";
import { TestServer } from "../support/test_server.ts";

const SLOW = "an operation was slow";

Deno.test("a flood of slow operations has ten lines a second, and one for all others", () => {
  const lines: { message: string; [field: string]: unknown }[] = [];
  let now = 0;
  const slow = new SlowLog("orders", testLog("info", (line) => lines.push(JSON.parse(line))), () => now);
  const add = (runTime: number, id: number) =>
    slow.add(500, runTime, () => ({ operation: id, operation_id: `id-${id}`, command: 1001 }));
  slow.bound(100);
  for (let i = 1; i <= 1000; i++, now += 1) add(100_000 + i, i);
  assertEquals(lines.length, 10);
  slow.tick();
  slow.tick();
  assertEquals(lines.length, 11);
  assertEquals(slow.count, 1000);
  const { time: _, ...last } = lines.at(-1)!;
  assertEquals(last, {
    level: "warn",
    message: "further operations were slow",
    plugin: "orders",
    operations: 990,
    longest_run_ms: 101,
    slow_operation_ms: 100,
  });
  add(100_001, 1001);
  assertEquals([lines.length, lines.at(-1)!["operation"]], [12, 1001]);
  slow.bound(0);
  assertEquals(slow.limit, Infinity);
});

Deno.test("an operation that runs for longer than slow_operation is told with its id, command and times; a reload changes that", async () => {
  const plugins = (slowOperation: number) => [{ name: "echo", slowOperation }];
  await using server = await TestServer.start({ plugins: plugins(20) });
  using connection = await server.connect();
  const told = () => server.log.map((line) => JSON.parse(line)).filter(({ message }) => message === SLOW);
  await connection.send(
    streamRequest({ id: 1, command: 1003, params: { ms: 40 } }),
    streamRequest({ id: 2, params: { a: 1 } }),
  );
  await connection.replies(2);
  const [line, ...others] = told();
  assertEquals(others, []);
  assertEquals([line.level, line.plugin, line.command, line.slow_operation_ms], ["warn", "echo", 1003, 20]);
  assertEquals([line.run_ms >= 20, line.wait_ms >= 0], [true, true]);
  assertMatch(line.operation_id, /^[0-9a-f]{12}-\w+-\w+$/);
  await server.reload({ plugins: plugins(0) });
  await connection.send(streamRequest({ id: 3, command: 1003, params: { ms: 40 } }));
  await connection.reply();
  assertEquals(told().length, 1);
});
