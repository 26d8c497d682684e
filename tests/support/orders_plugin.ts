import type { Context, Output, Plugin, StandardSchema } from "mevent/plugin";

/** What a caller gives, and what the command gets. */
const order: StandardSchema<{ uid: number; note?: string }, { uid: number; note: string }> = {
  "~standard": {
    version: 1,
    vendor: "tests",
    validate(value) {
      const { uid, note = "" } = value as { uid?: unknown; note?: string };
      return typeof uid === "number"
        ? { value: { uid, note } }
        : { issues: [{ message: "is no number", path: ["uid"] }] };
    },
  },
};

/** Has a command of each kind, for clients that infer their types. */
export default {
  name: "orders",
  concurrency: 64,
  commands: {
    1001: {
      name: "create",
      params: order,
      run({ input: { uid, note } }: Context<Output<typeof order>>) {
        return { order: `order-${uid}`, note };
      },
    },
    1002: {
      name: "fail",
      run(context) {
        throw context.fail(context.params.int("code"), "as it was asked for");
      },
    },
    1003: {
      name: "double",
      batch: { max: 100 },
      runBatch(operations) {
        return operations.map(({ params }) => ({ twice: params.int("n") * 2 }));
      },
    },
    1004: {
      name: "wait",
      async run(context) {
        await new Promise((resolve) => setTimeout(resolve, context.params.int("ms")));
        return context.params.int("ms");
      },
    },
    1005: {
      name: "accept",
      run(context) {
        return context.reply(1001, { accepted: true });
      },
    },
    1006: { name: "nothing", run() {} },
    1007: {
      name: "echo",
      run(context) {
        return context.params;
      },
    },
    1008: {
      name: "crash",
      run() {
        throw new Error("of no code");
      },
    },
  },
} satisfies Plugin;
