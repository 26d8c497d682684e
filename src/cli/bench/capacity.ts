import { Connection } from "../../client/connection.ts";
import type { CapacityJob } from "./job.ts";
import { measureCapacity, NoRoomError } from "./capacity_measure.ts";
import { burstRates, capacityPlan } from "./capacity_plan.ts";
import { capacityJson, type CapacityReport, capacityTable } from "./capacity_report.ts";
import { benchProgress } from "./progress.ts";
import { QueueWatch } from "./queue_watch.ts";
import { loadExitCode, loadTable } from "./report.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { MAX_FRAME_BYTES } from "../server_address.ts";
import { countText } from "../stats/units.ts";

/** Measures what a server takes in and works off, prints what that means for bursts, and chooses the exit code. */
export async function benchCapacity(job: CapacityJob, io: Io): Promise<number> {
  const { plan, waitMs } = job;
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  Deno.addSignalListener("SIGINT", stop);
  let progress = { end: () => Promise.resolve() };
  try {
    const { address, options, timeoutMs } = plan;
    await using client = await Connection.connect(address, {
      ...options,
      timeoutMs,
      maxFrame: MAX_FRAME_BYTES,
    });
    const watch = new QueueWatch(client, plan.plugin);
    progress = benchProgress(() => `measuring: ${countText(watch.operations)} operations queued`, io);
    const round = await measureCapacity(plan, watch, waitMs, interrupted.signal);
    await progress.end();
    if (round.load.tally.ok === 0) {
      await io.stderr.write(`mevent bench: no operation was accepted\n${loadTable(job, round.load, io)}`);
      return loadExitCode(round.load) || ExitCode.Failed;
    }
    const rates = job.rate === undefined ? burstRates(round.figures) : [job.rate];
    const report: CapacityReport = { job, round, capacity: capacityPlan(round.figures, rates) };
    await io.stdout.write(
      job.json ? `${JSON.stringify(capacityJson(report))}\n` : capacityTable(report),
    );
    if (round.left > 0) {
      const why = interrupted.signal.aborted ? "interrupted" : `gave up after ${waitMs / 1000} s`;
      await io.stderr.write(`mevent bench: ${why}: ${countText(round.left)} operations are still queued\n`);
      return ExitCode.Failed;
    }
    return loadExitCode(round.load);
  } catch (error) {
    if (!(error instanceof NoRoomError)) throw error;
    await io.stderr.write(`mevent bench: ${error.message}\n`);
    return ExitCode.Busy;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    await progress.end();
  }
}
