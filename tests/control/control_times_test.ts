import { assertEquals } from "@std/assert";
import { LimitLog } from "../../src/observe/limit_log.ts";
import { CONTROL_TIMES, ControlServer, MAX_CONTROL_CONNECTIONS } from "../../src/control/control_server.ts";
import { RawControl } from "../support/raw_control.ts";
import { until } from "../support/until.ts";
import { testLog } from "../support/test_log.ts";

const silent = testLog();

function limits(): LimitLog {
  return new LimitLog(silent, () => performance.now());
}

Deno.test("a request that is begun and not ended, and a connection without one, end when their time is over", async () => {
  const directory = await Deno.makeTempDir();
  const handle = () => ({ answer: Promise.resolve({ ok: true }), progress: () => ({}) });
  for (
    const [begin, times, sentence] of [
      ['{"command"', { ...CONTROL_TIMES, line: 30 }, "the request did not end within 0.03 s"],
      ["", { ...CONTROL_TIMES, idle: 30 }, "no request came within 0.03 s"],
    ] as const
  ) {
    const path = `${directory}/control`;
    const server = await ControlServer.onPath(path, handle, limits(), { release: () => false }, times);
    server.begin();
    using control = new RawControl(await Deno.connect({ transport: "unix", path }));
    await control.send(begin);
    assertEquals((await control.answer()).error, sentence);
    assertEquals(await control.line(), null);
    await server.finish();
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("connections that do not read their answers lose their place when their time is over", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control`;
  const handle = (line: string) => ({
    answer: Promise.resolve(line === "{}" ? { brief: true } : { long: "x".repeat(8_000_000) }),
    progress: () => ({}),
  });
  const times = { ...CONTROL_TIMES, write: 1000 };
  const server = await ControlServer.onPath(path, handle, limits(), { release: () => false }, times);
  server.begin();
  const deaf: RawControl[] = [];
  for (let count = 0; count < MAX_CONTROL_CONNECTIONS; count++) {
    const control = new RawControl(await Deno.connect({ transport: "unix", path }));
    await control.send('{"command": "stats"}\n');
    deaf.push(control);
  }
  let answered = false;
  let asking = false;
  const ask = async () => {
    asking = true;
    using control = new RawControl(await Deno.connect({ transport: "unix", path }));
    await control.send("{}\n").catch(() => {});
    answered = await control.answer().then(({ brief }) => brief === true, () => false);
    asking = false;
  };
  await until("there is room again", () => {
    if (!answered && !asking) ask();
    return answered && !asking;
  });
  for (const { socket } of deaf) socket.close();
  await server.finish();
  await Deno.remove(directory, { recursive: true });
});
