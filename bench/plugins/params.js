// Reads its params in every way that a plugin can: what hostile senders make of them is to reach this code, too.

export default {
  name: "params",
  biz: 8,
  description: "reads its params in every way",
  commands: {
    1001: { name: "all", run: ({ params }) => params.all() },
    1002: {
      name: "each",
      run: ({ params }) => ({
        text: params.string("text", ""),
        int: params.int("int", 0),
        number: params.number("number", 0),
        bool: params.bool("bool", false),
        value: params.value("nested.a.b", "none"),
        has: params.has("list.0"),
      }),
    },
    1003: {
      name: "later",
      async run({ params }) {
        await null;
        return params;
      },
    },
    1004: {
      name: "remember",
      async run({ params, cache }) {
        const text = JSON.stringify(params.all());
        await cache.set("last", text);
        return { same: await cache.get("last") === text };
      },
    },
  },
};
