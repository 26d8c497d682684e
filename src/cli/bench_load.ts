import { LoadRun } from "../client/load_run.ts";
import type { BenchJob } from "./bench_job.ts";
import { benchProgress } from "./bench_progress.ts";
import { loadExitCode, loadJson, loadTable } from "./bench_report.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { Io } from "./io.ts";
import { countText } from "./stats_units.ts";

/** Runs a load, prints what became of it, and chooses the exit code. SIGINT ends it early. */
export async function benchLoad(job: BenchJob, io: Io): Promise<number> {
  const run = await LoadRun.connect(job.plan);
  const stop = () => run.stop();
  Deno.addSignalListener("SIGINT", stop);
  const progress = benchProgress(progressLine(run), io);
  try {
    await run.finish();
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    await progress.end();
  }
  await io.stdout.write(job.json ? `${JSON.stringify(loadJson(job, run))}\n` : loadTable(job, run, io));
  if (run.tally.sent > 0 && run.tally.replies === 0 && !job.plan.sync && !run.interrupted) {
    await io.stderr.write(
      "mevent bench: no reply at all: a listener with async_reply = false answers no async request, but queues it\n",
    );
  }
  return loadExitCode(run);
}

/** `3 s, 1,234,567 operations, 411,522/s now, busy 0, lost 0` */
function progressLine(run: LoadRun): () => string {
  let before = 0;
  let at = performance.now();
  return () => {
    const { replies, lost } = run.tally;
    const now = performance.now();
    const rate = (replies - before) / (now - at) * 1000;
    before = replies;
    at = now;
    return `${Math.round(run.elapsedMs / 1000)} s, ${countText(replies)} operations, ` +
      `${countText(Math.round(rate))}/s now, busy ${countText(run.tally.count(ReplyCode.Busy))}, lost ${
        countText(lost)
      }`;
  };
}
