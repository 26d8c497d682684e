import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import type { RawConnection } from "./raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./requests.ts";
import type { TestServer } from "./test_server.ts";

/**
 * 1001 tells which of its batch each operation was, 1002 waits for `ms` of its first operation, 1003 answers as told, 1004
 * is no batch command and tells how many batches there were, 1005 has a long wait, 1006 never ends, 1007 until all of it
 * are cancelled, 1008 and 1009 tell their deadline.
 */
const SOURCE = `
let batches = 0;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const told = (operations) => {
  const batch = batches++;
  return operations.map((operation, at) => ({ batch, at, size: operations.length, n: operation.params.int("n", -1) }));
};
export default {
  name: "p",
  concurrency: CONCURRENCY,
  commands: {
    1001: { name: "told", batch: { max: 100 }, runBatch: told },
    1002: {
      name: "slow",
      batch: { max: 100 },
      async runBatch(operations) {
        await sleep(operations[0].params.int("ms", 20));
        return told(operations);
      },
    },
    1003: {
      name: "answers",
      batch: { max: 8, wait: "5s" },
      runBatch(operations, batch) {
        if (operations.some(({ params }) => params.has("throw"))) throw new Error("all of it");
        if (operations.some(({ params }) => params.has("short"))) return [1];
        if (operations.some(({ params }) => params.has("text"))) return "done";
        if (operations.some(({ params }) => params.has("nothing"))) return;
        return operations.map((operation) => {
          const { params } = operation;
          if (params.has("own")) return operation.fail(40, "its own");
          if (params.has("error")) return new Error("any");
          if (params.has("code")) return operation.reply(1001, "kept");
          if (params.has("unwritable")) return () => {};
          return params.has("same") ? params : batch.command;
        });
      },
    },
    1004: { name: "single", run: () => batches },
    1005: { name: "waits", batch: { max: 1000, wait: "50s" }, runBatch: told },
    1007: {
      name: "cancelled",
      batch: { max: 3, wait: "50s" },
      async runBatch(operations, batch) {
        const aborted = [];
        for (const { params, signal } of operations) {
          signal.addEventListener("abort", () => aborted.push(params.int("n")));
        }
        await new Promise((done) => batch.signal.addEventListener("abort", done));
        return operations.map((operation) => operation.fail(40, operation.signal.reason.message + " " + aborted));
      },
    },
    1008: {
      name: "deadline",
      batch: { max: 1 },
      runBatch: ([operation], batch) => [{ one: operation.deadline, all: batch.deadline, now: Date.now() }],
    },
    1009: { name: "deadline", run: ({ deadline }) => ({ one: deadline, all: deadline, now: Date.now() }) },
    1006: { name: "hangs", batch: { max: 4, wait: "2s" }, runBatch: () => new Promise(() => {}) },
  },
};`;

export const source = (concurrency: number) => SOURCE.replace("CONCURRENCY", String(concurrency));

export interface Told {
  readonly batch: number;
  readonly at: number;
  readonly size: number;
  readonly n: number;
}

export function request(id: number, command: number, params: JsonObject = {}, sync = true): Uint8Array {
  return streamRequest({ id, plugin: "p", command, params, sync });
}

export async function toldBy(connection: RawConnection, count: number): Promise<Told[]> {
  const replies = await connection.replies(count);
  return replies.map((reply) => {
    assertEquals(reply.code, 1000, messageOf(reply));
    return valueOf(reply) as unknown as Told;
  });
}

/** The ids of what the plugin's workers have begun. */
export function begun(server: TestServer): number[] {
  const [plugin] = server.server.registry.plugins;
  return plugin!.peek(100).filter(({ state }) => state === "running").map(({ id }) => id);
}
