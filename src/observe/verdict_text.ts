import type { Finding, FindingKind, Verdict } from "./finding.ts";

/** A sentence with places, and what to do: of one that is counted, another where it is of several. */
interface Texts {
  readonly sentence: string | readonly [one: string, several: string];
  readonly advice: string;
}

const TEXTS: { readonly [kind in FindingKind]: Texts } = {
  stopping: { sentence: "the server is stopping", advice: "it takes nothing new and finishes what it has" },
  starting: { sentence: "the server is starting", advice: "it takes operations when its plugins are ready" },
  server_full: {
    sentence: "the memory for all queues is nearly full",
    advice: "let the slow plugins catch up, or raise max_queue_bytes",
  },
  disk_full: {
    sentence: "the disk for all journals is nearly full",
    advice: "let the plugins catch up, or raise max_disk",
  },
  certificate: {
    sentence: "the certificate of {listener} ends in {time}",
    advice: "put a new one into its file: it is taken without a restart",
  },
  forward: {
    sentence: "{to} cannot be reached",
    advice: "requests for {names} are answered with an error until it is back",
  },
  slow_loop: {
    sentence: "the main thread was held up for {time} within the last minute",
    advice: "give the machine more cores, or set realtime = true",
  },
  journal: { sentence: "the journal of {plugin} takes no operations", advice: "{problem}" },
  full: {
    sentence: "{plugin} is full and answers BUSY",
    advice: "give it more workers, or raise queue.max_ops",
  },
  no_worker: {
    sentence: "{plugin} has no worker that works",
    advice: "see its lines in the log{because}",
  },
  failing: { sentence: "{plugin} fails {share}{since}", advice: "see mevent peek {plugin} --dead" },
  unhealthy: {
    sentence: ["{n} worker of {plugin} is not well", "{n} workers of {plugin} are not well"],
    advice: "its health says why, in the log",
  },
  full_soon: {
    sentence: "{plugin} is full in {time} at the present rates",
    advice: "give it more workers, or raise queue.max_ops",
  },
  fills: { sentence: "the queue of {plugin} is {share} full", advice: "when it is full it answers BUSY" },
  oldest: {
    sentence: "the oldest operation of {plugin} waits {time}",
    advice: "give it more workers, or look at what its operations wait for",
  },
  spinning: {
    sentence: "{plugin} was found spinning",
    advice: "a thread of it goes on until the server restarts; its code has an endless loop",
  },
  cleanup: { sentence: "old files of the journal of {plugin} cannot be removed", advice: "{problem}" },
  paused: {
    sentence: ["{plugin} is paused, and {n} operation waits", "{plugin} is paused, and {n} operations wait"],
    advice: "mevent resume {plugin}",
  },
  paused_empty: { sentence: "{plugin} is paused", advice: "mevent resume {plugin}" },
  dead: {
    sentence: ["{plugin} has {n} dead letter", "{plugin} has {n} dead letters"],
    advice: "mevent peek {plugin} --dead, then retry-dead or purge --dead",
  },
};

/** How times of day are written: `14:02`. */
export type ClockText = (at: number) => string;

const clockText: ClockText = (at) => {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
};

/** A verdict in one sentence: `orders fails 12% since 14:02; the oldest operation of orders waits 3 min`. */
export function verdictText({ findings, state }: Verdict, clock: ClockText = clockText): string {
  if (state === "well") return "All well";
  const told = findings.filter(({ level }) => level !== "note");
  const shown = told.slice(0, 2).map((finding) => findingText(finding, clock));
  const more = told.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

/** What is wrong. */
export function findingText(finding: Finding, clock: ClockText = clockText): string {
  const { sentence } = TEXTS[finding.kind];
  return filled(
    typeof sentence === "string" ? sentence : sentence[finding.values["n"] === 1 ? 0 : 1],
    finding,
    clock,
  );
}

/** What to do about it. */
export function adviceText(finding: Finding, clock: ClockText = clockText): string {
  return filled(TEXTS[finding.kind].advice, finding, clock);
}

function filled(text: string, { values, share, ms, since_at }: Finding, clock: ClockText): string {
  const { problem } = values;
  const all: Finding["values"] = {
    ...values,
    share: share === null ? "" : shareText(share),
    time: ms === null ? "" : timeText(ms),
    since: since_at === null ? "" : ` since ${clock(since_at)}`,
    because: problem === undefined ? "" : `: ${problem}`,
  };
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(all[name] ?? place));
}

/** `12%`, `0.4%` */
function shareText(share: number): string {
  const percent = share * 100;
  return `${percent >= 10 ? Math.round(percent) : Math.round(percent * 10) / 10}%`;
}

/** `800 ms`, `45 s`, `3 min`, `2 h`, `5 days` */
function timeText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}
