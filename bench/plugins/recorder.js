// Notes every run of an operation in a file before anything else, and its end: what the file has survives the end of the
// process. A line is `B TAG ID` or `E TAG ID CODE`, appended by one write.

const encoder = new TextEncoder();
let file;
let path;

function note(line) {
  file.writeSync(encoder.encode(`${line}\n`));
}

/** Runs of that tag that have failed so far, in any worker and any process. */
function failures(tag) {
  const begin = `E ${tag} `;
  return Deno.readTextFileSync(path).split("\n").filter((line) =>
    line.startsWith(begin) && !line.endsWith(" 1000")
  )
    .length;
}

/** Runs `work` as one run that is noted; it returns the code that the operation ends with. */
function noted(work) {
  return (context) => {
    const tag = context.params.int("tag");
    note(`B ${tag} ${context.id}`);
    const end = (code) => {
      note(`E ${tag} ${context.id} ${code}`);
      if (code !== 1000) throw context.fail(code, `tag ${tag} fails`);
      return { tag };
    };
    const code = work(context, tag);
    return code instanceof Promise ? code.then(end) : end(code);
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  name: "recorder",
  commands: {
    1001: { name: "succeeds", run: noted(() => 1000) },
    1002: { name: "fails", run: noted(() => 40) },
    1003: {
      name: "fails once",
      idempotent: true,
      run: noted((_, tag) => failures(tag) === 0 ? 40 : 1000),
    },
    1004: {
      name: "takes time",
      run: noted(async (context) => {
        await pause(context.params.int("ms", 5));
        return 1000;
      }),
    },
    1005: {
      name: "is put off once",
      run(context) {
        const tag = context.params.int("tag");
        note(`B ${tag} ${context.id}`);
        const isFirst = failures(tag) === 0;
        note(`E ${tag} ${context.id} ${isFirst ? "later" : 1000}`);
        if (isFirst) throw context.later(10, "not yet");
        return { tag };
      },
    },
    1006: {
      name: "waits for its end",
      run: noted(async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        return 41;
      }),
    },
    1007: {
      name: "is gathered",
      batch: { max: 8, wait: "2ms" },
      runBatch(operations) {
        for (const each of operations) note(`B ${each.params.int("tag")} ${each.id}`);
        return operations.map((each) => {
          const tag = each.params.int("tag");
          const code = tag % 3 === 0 ? 42 : 1000;
          note(`E ${tag} ${each.id} ${code}`);
          return code === 1000 ? { tag } : each.fail(code, "the third fails");
        });
      },
    },
  },
  start({ config }) {
    path = config.runs;
    file = Deno.openSync(path, { append: true, create: true });
  },
  stop() {
    file.close();
  },
};
