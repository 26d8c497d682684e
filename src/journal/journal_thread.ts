/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="deno.unstable" />
import type { RingMemory } from "../ring/ring.ts";
import { JournalError } from "./journal_error.ts";
import type { FromJournal, OpenRequest, ToJournal } from "./messages.ts";
import { type OpenStore, openStore } from "./open_store.ts";
import { systemFiles } from "./system_files.ts";

// The entry of the thread that writes the journals of all plugins. It waits for the disk, so that the main thread never does.

/** So long it works before it looks for messages, in ms. */
const WORK_MS = 5;
/** So long after its last work it waits without its event loop, which wakes sooner, in looks of so long; in ms. */
const ALERT_MS = 20;
const LOOK_MS = 1;
/** So long after its last work it looks without blocking: who was told goes on at once, and waking up takes longer. In ms. */
const SPIN_MS = 0.1;

const clock = {
  epoch: () => Date.now(),
  monotonic: () => performance.now(),
};
const open = new Map<string, OpenStore>();
/** Ends the wait for the event loop. */
const { port1, port2 } = new MessageChannel();
let bell: RingMemory | null = null;
let timer: number | undefined;
let isQueued = false;
let workedAt = 0;

const post = (message: FromJournal) => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToJournal>) => {
  switch (data.kind) {
    case "start":
      bell = data.bell;
      return;
    case "open":
      openJournal(data);
      break;
    case "load":
      open.get(data.plugin)?.store.load(data.from, data.bytes);
      break;
    case "shrink":
      open.get(data.plugin)?.store.shrink();
      break;
    case "bound":
      open.get(data.plugin)?.store.bound(data.limits);
      break;
    case "close":
      closeJournal(data.plugin);
  }
  goOn();
};

port2.onmessage = () => {
  isQueued = false;
  work();
};

function openJournal(request: OpenRequest): void {
  const { plugin } = request;
  try {
    const each = openStore({ files: systemFiles, clock, request, ...(bell === null ? {} : { bell }) });
    open.set(plugin, each);
    post({ kind: "opened", ...each.store.recovered });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    post({ kind: "unopened", plugin, reason: error.reason, problem: error.message });
  }
}

function closeJournal(plugin: string): void {
  const each = open.get(plugin);
  open.delete(plugin);
  const problem = each?.store.close() ?? null;
  each?.lock[Symbol.dispose]();
  post({ kind: "closed", plugin, problem });
}

/** Has {@link work} called when messages that wait were taken. */
function goOn(): void {
  clearTimeout(timer);
  timer = undefined;
  if (isQueued) return;
  isQueued = true;
  port1.postMessage(null);
}

/** Works until there is nothing to do, or others are to have their turn. */
function work(): void {
  if (isQueued) return;
  clearTimeout(timer);
  const stores = [...open.values()].map(({ store }) => store);
  const until = performance.now() + WORK_MS;
  for (let now = performance.now(); now < until; now = performance.now()) {
    let took = false;
    for (const store of stores) if (store.beginTurn()) took = true;
    for (const store of stores) store.finishTurn();
    if (took) workedAt = performance.now();
    if (isThereMore(stores) || stores.some((store) => store.dueAt <= now)) continue;
    if (!waitAlert(stores)) return wait();
  }
  goOn();
}

type Stores = readonly OpenStore["store"][];

function isThereMore(stores: Stores): boolean {
  return stores.some(({ intake }) => intake.unread > 0);
}

/** Waits for a moment where there was work a moment ago; false where there was none. */
function waitAlert(stores: Stores): boolean {
  const [first, second] = stores;
  let now = performance.now();
  if (first === undefined || now > workedAt + ALERT_MS) return false;
  for (; now < workedAt + SPIN_MS; now = performance.now()) if (isThereMore(stores)) return true;
  const dueIn = Math.min(...stores.map(({ dueAt }) => dueAt)) - now;
  first.intake.block(Math.min(LOOK_MS, Math.max(dueIn, 0)), (second ?? first).intake);
  return true;
}

/** Has {@link work} called when anything comes, or is due. */
function wait(): void {
  const stores = [...open.values()].map(({ store }) => store);
  const [first, second] = stores;
  if (first === undefined) return;
  const isAsleep = first.intake.sleep(goOn, (second ?? first).intake);
  if (!isAsleep || isThereMore(stores)) {
    first.intake.stayAwake();
    return goOn();
  }
  const due = Math.min(...stores.map(({ dueAt }) => dueAt));
  if (due < Infinity) timer = setTimeout(goOn, Math.max(0, due - performance.now()));
}
