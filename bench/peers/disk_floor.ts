import { join } from "node:path";
import { cpuOf } from "../support/cpu_of.ts";
import { fileSystemOf } from "../support/file_system.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerResult } from "./peer_result.ts";
import type { PeerWork } from "./works.ts";

/** What a journal writes for an operation with a body of 100 bytes. */
const RECORD_BYTES = 152;
const PROBE_SECONDS = 0.5;
const WARMUP_SECONDS = 0.5;

/** What the durable works write to. */
export interface Disk {
  /** `ext4 on /dev/vda` */
  readonly fileSystem: string;
  /** Of an append of one record and its fdatasync, in µs. */
  readonly syncMicroseconds: number;
}

/** Looks at the file system of the temporary folder. */
export async function describeDisk(): Promise<Disk> {
  const folder = await Deno.makeTempDir();
  try {
    const { p50_us } = append(join(folder, "probe"), 1, PROBE_SECONDS);
    return { fileSystem: fileSystemOf(folder), syncMicroseconds: p50_us };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The least that durability costs: a file is appended to and synced, all requests that are under way with each commit; no server. */
export async function measureDiskFloor(
  { seconds }: PeerOptions,
  { connections, depth }: PeerWork,
): Promise<PeerResult> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "floor");
    append(file, connections * depth, WARMUP_SECONDS);
    return append(file, connections * depth, seconds);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Keeps this thread from anything else for so long, as nothing else is to run. */
function append(path: string, records: number, seconds: number): PeerResult {
  using file = Deno.openSync(path, { create: true, append: true });
  const commit = new Uint8Array(records * RECORD_BYTES).fill(0x78);
  const times: number[] = [];
  const cpuBefore = cpuOf(Deno.pid);
  const from = performance.now();
  let now = from;
  while (now < from + seconds * 1000) {
    for (let at = 0; at < commit.length;) at += file.writeSync(commit.subarray(at));
    file.syncDataSync();
    const after = performance.now();
    times.push((after - now) * 1000);
    now = after;
  }
  const count = times.length * records;
  const elapsed = (now - from) / 1000;
  times.sort((a, b) => a - b);
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN;
  return {
    ok: count,
    errors: {},
    unmatched: 0,
    lost: 0,
    seconds: elapsed,
    ops_per_s: count / elapsed,
    p50_us: quantile(0.5),
    p99_us: quantile(0.99),
    p999_us: quantile(0.999),
    max_us: quantile(1),
    cpuMicroseconds: (cpuOf(Deno.pid) - cpuBefore) * 1000 / count,
  };
}
