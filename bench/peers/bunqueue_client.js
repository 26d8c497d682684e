/**
 * Does one task with bunqueue's own client, on Bun: `bun bunqueue_client.js FOLDER TASK`, where FOLDER has bunqueue installed and TASK is JSON.
 * Prints one line of JSON.
 */
import process from "node:process";

const [folder, json] = process.argv.slice(2);
const { Queue, Worker } = await import(Bun.resolveSync("bunqueue/client", folder));
const task = JSON.parse(json);
const { connections } = task;
const connection = { host: "127.0.0.1", port: task.port, ...connections && { poolSize: connections } };
const queue = new Queue("bench", { connection });
const data = { note: "x".repeat(88) };

const TASKS = { add, bulk, fill, drain };
console.log(JSON.stringify(await TASKS[task.kind](task)));
process.exit(0);

/** Adds jobs one by one, so many at a time; each is acknowledged. */
async function add({ inFlight, durable, warmupMs, ms }) {
  const options = durable ? { durable } : {};
  const from = performance.now() + warmupMs;
  const took = [];
  let all = 0;
  const { perSecond } = await counted(warmupMs, ms, inFlight, async () => {
    const began = performance.now();
    await queue.add("job", data, options);
    all++;
    const now = performance.now();
    if (now >= from) took.push((now - began) * 1000);
    return 1;
  });
  took.sort((a, b) => a - b);
  const quantile = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))];
  const times = {
    all,
    p50_us: quantile(0.5),
    p99_us: quantile(0.99),
    p999_us: quantile(0.999),
    max_us: quantile(1),
  };
  return { perSecond, times };
}

/** Adds many jobs with each request, one request after the other. */
async function bulk({ size, warmupMs, ms }) {
  const jobs = Array.from({ length: size }, () => ({ name: "job", data }));
  return await counted(warmupMs, ms, 1, async () => (await queue.addBulk(jobs)).length);
}

/** Adds so many jobs. */
async function fill({ jobs }) {
  const began = performance.now();
  await filled(jobs);
  return { perSecond: jobs / ((performance.now() - began) / 1000) };
}

/** How long a worker takes for so many jobs that wait. */
async function drain({ jobs, concurrency }) {
  await filled(jobs);
  const began = performance.now();
  let done = 0;
  await new Promise((resolve, reject) => {
    const worker = new Worker("bench", () => null, { connection, concurrency, batchSize: concurrency });
    worker.on("completed", () => ++done === jobs && resolve());
    worker.on("failed", (_, error) => reject(error));
    worker.on("error", reject);
  });
  return { perSecond: jobs / ((performance.now() - began) / 1000) };
}

async function filled(jobs) {
  const size = 1000;
  for (let count = 0; count < jobs; count += size) {
    await queue.addBulk(Array.from({ length: Math.min(size, jobs - count) }, () => ({ name: "job", data })));
  }
}

/** Does it again and again, so many times at once; counts what it returns after the warm-up. */
async function counted(warmupMs, ms, atOnce, once) {
  const from = performance.now() + warmupMs;
  const until = from + ms;
  let count = 0;
  const again = async () => {
    for (let now = performance.now(); now < until; now = performance.now()) {
      const added = await once();
      if (now >= from) count += added;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, again));
  return { perSecond: count / ((performance.now() - from) / 1000) };
}
