// Does all that a plugin ought not to, one way a command; `1001` works. Nothing here lasts: what spins ends, and what
// leaks stays under 32 MiB a worker.

const MAX_LEAKED = 32;
const leaked = [];

// The host's own port: what is posted there comes in the host's name.
const send = MessagePort.prototype.postMessage;
let port;
MessagePort.prototype.postMessage = function (...args) {
  port = this;
  return send.apply(this, args);
};
const forge = (message) => send.call(port, message);
/** What mevent's own worker posts, and what it never would. */
const FORGED = [
  null,
  42,
  "text".repeat(10_000),
  new Uint8Array(100_000),
  { kind: "ready", declaration: { concurrency: 65536, description: "", commands: [] } },
  { kind: "stopped" },
  { kind: "log", level: "warn", message: "forged", fields: {} },
  { kind: "log", level: "shout", message: {}, fields: null },
  { kind: "stats", counters: [["__proto__", 1], ["forged", 1e308]], gauges: [["x", NaN]] },
  { kind: "cache", id: 1, request: { operation: "clear" } },
  { kind: "cache", id: -1, request: { operation: "set", key: "k", value: "v".repeat(100_000), expire: 1 } },
  { kind: "beat", at: -1 },
];

export default {
  name: "faulty",
  description: "fails in every way",
  concurrency: 16,
  commands: {
    1001: { name: "work", run: ({ params }) => params },
    1002: { name: "hang", run: () => new Promise(() => {}) },
    1003: {
      name: "throw",
      run: () => {
        throw Object.create(null);
      },
    },
    1004: {
      name: "spin",
      description: "keeps the thread for `ms`",
      run({ params }) {
        const end = performance.now() + params.int("ms");
        while (performance.now() < end);
      },
    },
    1005: { name: "close", run: () => self.close() },
    1006: { name: "exit", run: () => Deno.exit(3) },
    1007: {
      name: "leak",
      run: () => {
        if (leaked.length < MAX_LEAKED) leaked.push(new Uint8Array(2 ** 20).fill(1));
      },
    },
    1008: {
      name: "reply twice",
      run: () => ({
        then(resolve, reject) {
          resolve({ first: true });
          resolve({ second: true });
          reject(new Error("third"));
        },
      }),
    },
    1009: {
      name: "garbage",
      run: () => {
        for (const message of FORGED) forge(message);
      },
    },
    1010: { name: "forged failure", run: () => forge({ kind: "failed", message: "forged" }) },
    1011: {
      name: "late error",
      run: () => {
        setTimeout(() => {
          throw new Error("late");
        }, 1);
        Promise.reject(new Error("nobody listens"));
      },
    },
    1012: { name: "too much", run: () => ({ text: "x".repeat(1_000_000) }) },
    1013: {
      name: "deep",
      run: () => {
        let value = 1;
        for (let level = 0; level < 100_000; level++) value = [value];
        return { value };
      },
    },
  },
};
