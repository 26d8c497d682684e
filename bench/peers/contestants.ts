import type { PeerName } from "./daemons.ts";
import type { DrainName } from "./drain/drain.ts";
import type { Build } from "./options.ts";
import type { WorkKind } from "./works.ts";

/** The plugin of mevent's whose queue is full within a second. */
export const FULL_PLUGIN = "brim";

/** The plugin of mevent's that keeps a journal, and never works it off; the one that does. */
export const JOURNAL_PLUGIN = "ledger";
export const WORKED_OFF_JOURNAL_PLUGIN = "ledger-echo";

/** A system at a kind of work. */
export interface Contestant {
  /** As it is shown. */
  readonly name: string;
  readonly system: PeerName | "mevent" | "mock" | "bunqueue" | "disk";
  /** loadgen's options for the client. */
  readonly options: readonly string[];
  /** Whether workers of loadgen's are to be there. */
  readonly workers: boolean;
  /** How the bench takes out what is enqueued; mevent does that itself. */
  readonly drain?: DrainName;
  /** Acknowledges only what is synced. */
  readonly isDurable?: boolean;
  /** mevent's plugin that others enqueue at meanwhile, 50 x 16, and the command. */
  readonly beside?: readonly [plugin: string, command: number];
  /** Of mevent. */
  readonly build?: Build;
}

const enqueue = (name: string, system: Contestant["system"], ...options: string[]): Contestant => ({
  name,
  system,
  options: ["--mode", "enqueue", "--proto", ...options],
  workers: false,
});

const roundTrip = (name: string, system: Contestant["system"], ...options: string[]): Contestant => ({
  name,
  system,
  options: ["--mode", "roundtrip", "--proto", ...options],
  workers: true,
});

const durable = (name: string, system: Contestant["system"], ...options: string[]): Contestant => ({
  ...enqueue(name, system, ...options),
  isDurable: true,
});

/** What JetStream keeps in files until it is taken out. */
const FILE_STREAM = JSON.stringify({
  name: "echo",
  subjects: ["echo.q"],
  retention: "workqueue",
  storage: "file",
  num_replicas: 1,
});

const SYNC_ECHO = ["mevent", "--plugin", "echo", "--cmd", "1002"] as const;

const RPC: readonly Contestant[] = [
  roundTrip("gearmand, 16 workers", "gearmand", "gearman"),
  roundTrip("redis lists as RPC, 16 workers", "redis", "redis", "--cmd-name", "RPC"),
  roundTrip("nats request/reply, 4 workers", "nats", "nats"),
];

/** Who does each kind of work. */
const CONTESTANTS: Readonly<Record<WorkKind, readonly Contestant[]>> = {
  enqueue: [
    enqueue("mevent", "mevent", "mevent", "--plugin", "gate", "--cmd", "1001"),
    enqueue("mevent, worked off meanwhile", "mevent", "mevent", "--plugin", "echo", "--cmd", "1002"),
    enqueue("redis LPUSH", "redis", "redis", "--cmd-name", "LPUSH"),
    enqueue("redis XADD", "redis", "redis", "--cmd-name", "XADD"),
    enqueue("beanstalkd put", "beanstalkd", "beanstalkd"),
    enqueue("gearmand SUBMIT_JOB_BG", "gearmand", "gearman"),
    enqueue("nats JetStream, memory", "nats", "nats", "--js"),
    enqueue("C mock, mevent frames (floor)", "mock", "mevent"),
  ],
  sync: [
    roundTrip("mevent", "mevent", ...SYNC_ECHO),
    ...RPC,
    roundTrip("C mock, mevent frames (floor)", "mock", "mevent"),
  ],
  echo: [
    roundTrip("mevent", "mevent", "mevent", "--plugin", "echo", "--cmd", "1001"),
    ...RPC,
    roundTrip("C mock, mevent frames (floor)", "mock", "mevent"),
  ],
  json: [roundTrip("mevent", "mevent", "json")],
  sustained: [
    enqueue("mevent", "mevent", "mevent", "--plugin", FULL_PLUGIN, "--cmd", "1002"),
    { ...enqueue("redis LPUSH, BRPOP", "redis", "redis", "--cmd-name", "LPUSH"), drain: "BRPOP" },
    { ...enqueue("redis LPUSH, BLMPOP of 100", "redis", "redis", "--cmd-name", "LPUSH"), drain: "BLMPOP" },
    { ...enqueue("beanstalkd put, reserve, delete", "beanstalkd", "beanstalkd"), drain: "reserve" },
    { ...enqueue("gearmand SUBMIT_JOB_BG, GRAB_JOB", "gearmand", "gearman"), drain: "GRAB_JOB" },
  ],
  durable: [
    durable("mevent, journal", "mevent", "mevent", "--plugin", JOURNAL_PLUGIN, "--cmd", "1001"),
    durable(
      ...["mevent, journal, worked off meanwhile", "mevent"] as const,
      ...["mevent", "--plugin", WORKED_OFF_JOURNAL_PLUGIN, "--cmd", "1002"],
    ),
    durable("redis LPUSH, appendfsync always", "redis", "redis", "--cmd-name", "LPUSH"),
    durable("redis XADD, appendfsync always", "redis", "redis", "--cmd-name", "XADD"),
    durable("beanstalkd put, -b -f0", "beanstalkd", "beanstalkd"),
    durable("nats JetStream, sync_interval always", "nats", "nats", "--js", "--js-config", FILE_STREAM),
    durable("bunqueue, durable adds", "bunqueue"),
    durable("append and fdatasync (floor)", "disk"),
  ],
  beside: [
    { ...roundTrip("mevent, alone", "mevent", ...SYNC_ECHO), isDurable: true },
    {
      ...roundTrip("mevent, beside a queue in memory", "mevent", ...SYNC_ECHO),
      isDurable: true,
      beside: ["gate", 1001],
    },
    {
      ...roundTrip("mevent, beside a journal", "mevent", ...SYNC_ECHO),
      isDurable: true,
      beside: [JOURNAL_PLUGIN, 1001],
    },
  ],
};

/** Who does a kind of work, with each build of mevent. The first one is what the others are compared with. */
export function contestantsOf(kind: WorkKind, builds: readonly Build[]): readonly Contestant[] {
  return CONTESTANTS[kind].flatMap((contestant): Contestant[] =>
    contestant.system === "mevent"
      ? builds.map((build) => ({ ...contestant, name: contestant.name.replace("mevent", build.name), build }))
      : [contestant]
  );
}
