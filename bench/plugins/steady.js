// Commands that take a known time: a backlog of 500,000 of them is there for as long as a measurement takes.

const BUSY_MS = 0.05;
const WAITING_MS = 10;

export default {
  name: "steady",
  description: "takes its time",
  commands: {
    1001: {
      name: "busy",
      description: "keeps the worker's CPU for 50 µs",
      run() {
        const end = performance.now() + BUSY_MS;
        while (performance.now() < end);
      },
    },
    1002: { name: "nothing", run: () => {} },
    1003: {
      name: "waiting",
      description: "waits for 10 ms, as for a backend",
      run: () => new Promise((resolve) => setTimeout(resolve, WAITING_MS)),
    },
  },
};
