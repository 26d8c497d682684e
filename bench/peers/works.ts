/**
 * What is done: queued and acknowledged; through a worker and back; the same with the params as the result, in HDF or in JSON;
 * queued while the queue is full and worked off; queued and acknowledged when it is on the disk; through a worker while another
 * plugin's journal has as much to do as it can.
 */
export type WorkKind = "enqueue" | "sync" | "echo" | "json" | "sustained" | "durable" | "beside";

/** A kind of work, from so many connections with so many requests under way each. */
export interface PeerWork {
  readonly kind: WorkKind;
  readonly connections: number;
  readonly depth: number;
}

const KIND_TITLES: Readonly<Record<WorkKind, string>> = {
  enqueue: "Enqueue, each acknowledged",
  sync: "Sync through a worker that does nothing (mevent) or echoes (the others)",
  echo: "Sync through a worker that echoes (mevent: echo 1001, params in HDF)",
  json: "Sync through a worker that echoes, params in JSON (the client is `mevent bench` of this build)",
  sustained:
    "Enqueued and worked off, with more coming than that: what is worked off counts, times are those of the enqueuing",
  durable: "Enqueue, each acknowledged when fdatasync has written it",
  beside:
    "Sync through a worker that does nothing, beside 50 connections, 16 deep, that enqueue at another plugin",
};

/** All that systems are measured at, each with 100-byte payloads. */
export const PEER_WORKS: readonly PeerWork[] = [
  { kind: "enqueue", connections: 50, depth: 16 },
  { kind: "enqueue", connections: 1, depth: 64 },
  { kind: "enqueue", connections: 50, depth: 1 },
  { kind: "sustained", connections: 50, depth: 16 },
  { kind: "sync", connections: 50, depth: 1 },
  { kind: "sync", connections: 50, depth: 16 },
  { kind: "sync", connections: 1, depth: 1 },
  { kind: "echo", connections: 50, depth: 16 },
  { kind: "json", connections: 50, depth: 16 },
  { kind: "sync", connections: 1000, depth: 1 },
  { kind: "durable", connections: 50, depth: 16 },
  { kind: "durable", connections: 1, depth: 1 },
  { kind: "beside", connections: 50, depth: 1 },
];

/** Whether it needs a disk. */
export function isDurable({ kind }: PeerWork): boolean {
  return kind === "durable" || kind === "beside";
}

/** `sync-50x16` */
export function workName({ kind, connections, depth }: PeerWork): string {
  return `${kind}-${connections}x${depth}`;
}

/** `Enqueue, each acknowledged: 50 connections, 16 deep` */
export function workTitle({ kind, connections, depth }: PeerWork): string {
  const plural = connections === 1 ? "" : "s";
  return `${KIND_TITLES[kind]}: ${connections} connection${plural}, ${depth} deep`;
}
