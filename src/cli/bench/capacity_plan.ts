import { WINDOW_BYTES } from "../../durable/journal_queue.ts";

/** What was measured of a server, and its bounds. Rates are operations a second. */
export interface CapacityFigures {
  readonly intakeRate: number;
  readonly workOffRate: number;
  readonly bytesPerOperation: number;
  readonly maxOps: number;
  readonly maxBytes: number;
  /** Of all queues together. */
  readonly maxQueueBytes: number;
  /** What the other plugins' queues hold of that. */
  readonly otherQueueBytes: number;
  /** Of a plugin with a journal; null of one without. */
  readonly disk: DiskFigures | null;
}

/** What a journal takes on disk, before the burst, and may take; in bytes. */
export interface DiskFigures {
  readonly bytesPerOperation: number;
  readonly bytes: number;
  readonly maxDisk: number;
  /** Of all journals together. */
  readonly allBytes: number;
  readonly allMaxDisk: number;
  /** What is left on the file system; null where the server cannot tell. */
  readonly freeBytes: number | null;
}

/** How long a burst is absorbed, in seconds. */
export interface Burst {
  /** Operations a second that are offered. */
  readonly rate: number;
  /** Until the first BUSY while the plugin works; null where it never comes. */
  readonly workingSeconds: number | null;
  /** The same while the plugin does nothing. */
  readonly deadSeconds: number;
  /** The server takes in less than is offered: callers wait for it, and the times are those of its intake. */
  readonly aboveIntake: boolean;
}

/** What an empty queue holds, and for how long. */
export interface CapacityPlan {
  readonly holdsOperations: number;
  readonly holdsBytes: number;
  /** On disk; 0 without a journal. */
  readonly holdsDiskBytes: number;
  /** Operations that each bound alone lets in. */
  readonly bounds: Readonly<Partial<Record<Bound, number>>>;
  /** The bound that is reached first. */
  readonly firstBound: Bound;
  readonly bursts: readonly Burst[];
}

export type Bound =
  | "max_ops"
  | "max_bytes"
  | "max_queue_bytes"
  | "journal.max_disk"
  | "server.max_disk"
  | "disk";

/** What the figures mean for bursts of those rates that find the queue empty. */
export function capacityPlan(figures: CapacityFigures, rates: readonly number[]): CapacityPlan {
  const { bytesPerOperation, maxOps, maxBytes, maxQueueBytes, otherQueueBytes, disk } = figures;
  const queue: readonly (readonly [Bound, number])[] = [
    ["max_ops", maxOps],
    ["max_bytes", fit(maxBytes, bytesPerOperation)],
  ];
  const memory = maxQueueBytes - otherQueueBytes;
  const further: readonly (readonly [Bound, number])[] = [
    ...isBoundByMemory(memory, disk !== null)
      ? [["max_queue_bytes", fit(memory, bytesPerOperation)] as const]
      : [],
    ...disk === null ? [] : [
      ["journal.max_disk", fit(disk.maxDisk - disk.bytes, disk.bytesPerOperation)] as const,
      ["server.max_disk", fit(disk.allMaxDisk - disk.allBytes, disk.bytesPerOperation)] as const,
    ],
    ...disk === null || disk.freeBytes === null
      ? []
      : [["disk", fit(disk.freeBytes, disk.bytesPerOperation)] as const],
  ];
  const bounds = [...queue, ...further];
  const [firstBound, holdsOperations] = bounds.reduce((least, bound) => bound[1] < least[1] ? bound : least);
  return {
    holdsOperations,
    holdsBytes: Math.round(holdsOperations * bytesPerOperation),
    holdsDiskBytes: Math.round(holdsOperations * (disk?.bytesPerOperation ?? 0)),
    bounds: Object.fromEntries(bounds),
    firstBound,
    bursts: rates.map((rate) => burst(rate, holdsOperations, figures)),
  };
}

/** Whether a queue can fill so much memory: what one with a journal holds beyond its window is on the disk alone. */
export function isBoundByMemory(memoryBytes: number, hasJournal: boolean): boolean {
  return !hasJournal || memoryBytes < WINDOW_BYTES;
}

/** Rates worth a look: some of the work-off, some of the intake; in order, each once. */
export function burstRates({ intakeRate, workOffRate }: CapacityFigures): number[] {
  const ofWorkOff = [0.5, 1.1, 1.5, 2, 5, 10, 100].map((factor) => factor * workOffRate);
  const ofIntake = [0.1, 0.25, 0.5].map((share) => share * intakeRate);
  const rates = [...ofWorkOff, ...ofIntake].filter((rate) => rate < intakeRate);
  const rounded = [...rates, intakeRate].map(twoDigits).filter((rate) => rate >= 1);
  return [...new Set(rounded)].sort((a, b) => a - b);
}

function fit(bytes: number, one: number): number {
  return Math.floor(Math.max(0, bytes) / one);
}

function burst(rate: number, holds: number, { intakeRate, workOffRate }: CapacityFigures): Burst {
  const taken = Math.min(rate, intakeRate);
  const growth = taken - workOffRate;
  return {
    rate,
    workingSeconds: growth > 0 ? holds / growth : null,
    deadSeconds: holds / taken,
    aboveIntake: rate > intakeRate,
  };
}

/** Cut to two digits, never up: 123,456 is 120,000. */
function twoDigits(value: number): number {
  if (value < 100) return Math.floor(value);
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / unit) * unit;
}
