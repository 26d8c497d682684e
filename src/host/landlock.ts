/** System calls of Linux, the same numbers on every processor. */
const CREATE_RULESET = 444n;
const ADD_RULE = 445n;
const RESTRICT_SELF = 446n;
const SYMBOLS = {
  create_ruleset: { name: "syscall", parameters: ["i64", "buffer", "usize", "u32"], result: "i64" },
  add_rule: { name: "syscall", parameters: ["i64", "i32", "u32", "buffer", "u32"], result: "i64" },
  restrict_self: { name: "syscall", parameters: ["i64", "i32", "u32"], result: "i64" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
} as const;
type Calls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const ASK_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const READ_FILE = 1n << 2n;
/** Moving and linking between folders, which a ruleset forbids where it does not name it; since version 2. */
const REFER = 1n << 13n;
const O_PATH_CLOEXEC = 0o12000000;
const PR_SET_NO_NEW_PRIVS = 38;

/** Which version of Landlock the kernel has; 0 where it has none, or does not let this process use it. */
export function landlockVersion(): number {
  if (Deno.build.os !== "linux") return 0;
  try {
    return withCalls(versionOf);
  } catch {
    return 0;
  }
}

/**
 * From now on the calling thread, and those that it starts, open for reading only what is or lies beneath `places`: the kernel
 * holds it, and nobody takes it back. Files that are open stay so, and the process's other threads are not touched. A place
 * that is not there is left out. Throws where the kernel does not do it, or libc may not be loaded.
 */
export function readOnlyBeneath(places: Iterable<string>): void {
  withCalls((calls) => {
    const version = versionOf(calls);
    const handled = new BigUint64Array([version > 1 ? READ_FILE | REFER : READ_FILE]);
    const ruleset = Number(calls.create_ruleset(CREATE_RULESET, bytesOf(handled), 8n, 0));
    if (ruleset < 0) throw new Error("the kernel makes no Landlock ruleset");
    try {
      if (version > 1) allow(calls, ruleset, "/", REFER);
      for (const place of places) allow(calls, ruleset, place, READ_FILE);
      // Without it only root may restrict itself: a program that runs as its file's owner would be bound, too.
      if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) {
        throw new Error("the kernel does not let the thread give up new privileges");
      }
      if (Number(calls.restrict_self(RESTRICT_SELF, ruleset, 0)) !== 0) {
        throw new Error("the kernel does not restrict the thread");
      }
    } finally {
      calls.close(ruleset);
    }
  });
}

function versionOf(calls: Calls): number {
  return Math.max(0, Number(calls.create_ruleset(CREATE_RULESET, null, 0n, ASK_VERSION)));
}

function allow(calls: Calls, ruleset: number, place: string, access: bigint): void {
  const descriptor = calls.open(new TextEncoder().encode(`${place}\0`), O_PATH_CLOEXEC);
  if (descriptor < 0) return;
  // struct landlock_path_beneath_attr, packed: what is allowed (u64), the place's descriptor (s32).
  const rule = new ArrayBuffer(16);
  new BigUint64Array(rule, 0, 1)[0] = access;
  new Int32Array(rule, 8, 1)[0] = descriptor;
  calls.add_rule(ADD_RULE, ruleset, RULE_PATH_BENEATH, new Uint8Array(rule), 0);
  calls.close(descriptor);
}

function bytesOf({ buffer }: BigUint64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function withCalls<T>(use: (calls: Calls) => T): T {
  using library = libc();
  return use(library.symbols);
}

function libc(): Deno.DynamicLibrary<typeof SYMBOLS> & Disposable {
  const library = Deno.dlopen("libc.so.6", SYMBOLS);
  return Object.assign(library, { [Symbol.dispose]: () => library.close() });
}
