import type { RawConnection } from "./raw_connection.ts";
import type { TestServer } from "./test_server.ts";

/** A check of a server that others have used before it, over a connection of its own. */
export type Step = (server: TestServer, connection: RawConnection) => Promise<void>;

/** A test of one server by several checks, one after the other. */
export function inSteps(
  start: () => Promise<TestServer>,
  steps: Readonly<Record<string, Step>>,
): (t: Deno.TestContext) => Promise<void> {
  return async (t) => {
    await using server = await start();
    for (const [what, step] of Object.entries(steps)) {
      await t.step(what, async () => {
        using connection = await server.connect();
        await step(server, connection);
      });
    }
  };
}
