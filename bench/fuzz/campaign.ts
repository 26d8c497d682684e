import { setImmediate, setTimeout as pause } from "node:timers/promises";
import { EpollSet } from "../../src/net/epoll_set.ts";
import { loadLibc } from "../../src/net/libc.ts";
import { GoodClient } from "../support/good_client.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import type { Channel } from "./channel.ts";
import { readCorpus } from "./corpus.ts";
import { DatagramChannel } from "./datagram_channel.ts";
import { WITNESS } from "./fuzz_server.ts";
import { Mutator } from "./mutator.ts";
import { Random } from "./random.ts";
import { Recorder, type Sent } from "./recorder.ts";
import { StreamChannel } from "./stream_channel.ts";

const TCP_CONNECTIONS = 4;
const UNIX_CONNECTIONS = 2;
/**
 * The share of the campaign after which memory is to grow no more. Queues, caches and compiled code are there much
 * earlier; the runtime's heap takes half a minute of this flood to find its size.
 */
const WARM_UP = 0.5;
const MIN_WARM_UP_MS = 30_000;
const MAX_GROWTH_BYTES = 50 * 2 ** 20;
/** Garbage may lie about until the flood is over: a server that has grown gets so long to give it back, in ms. */
const REST_MS = 40_000;
/** Between two looks at the server, in ms. */
const LOOK_EVERY_MS = 250;

export interface CampaignPlan {
  readonly seed: number;
  /** The campaign ends after so long, in ms, or so many messages that the server has read, whichever comes first. */
  readonly durationMs: number;
  readonly messages: number;
  /** A good client that hears nothing for so long has been failed, in ms; without it as {@link GoodClient} has it. */
  readonly silenceMs?: number;
}

/** What a campaign has shown. */
export interface CampaignResult {
  /** Messages that were sent, and those that the server has read: what is left in a buffer when a connection ends is lost. */
  readonly sentMessages: number;
  readonly messages: number;
  readonly datagrams: number;
  readonly replies: number;
  readonly connections: number;
  readonly seconds: number;
  /** Messages of good clients that were answered as they should. */
  readonly good: number;
  /** The server's memory at the end of the warm-up and at the end, in bytes. */
  readonly residentBefore: number;
  readonly residentAfter: number;
  /** What went wrong; none: nothing did. */
  readonly failure: string | undefined;
  /** The last that was sent, where something went wrong. */
  readonly sent: Sent[];
}

/** Floods the server with spoiled messages while good clients check every reply of theirs. */
export async function runCampaign(server: WatchedServer, plan: CampaignPlan): Promise<CampaignResult> {
  const library = loadLibc();
  if (library === null) throw new Error("fuzzing needs Linux");
  const libc = library.symbols;
  const epoll = new EpollSet(libc);
  const recorder = new Recorder();
  const corpus = await readCorpus();
  let stream = 0;
  let connection = 0;
  const mutator = () => new Mutator(new Random(plan.seed, ++stream), corpus);
  const datagrams = await DatagramChannel.open(libc, server.tcp, mutator(), recorder);
  const streams = [
    ...Array.from({ length: TCP_CONNECTIONS }, () => server.tcp),
    ...Array.from({ length: UNIX_CONNECTIONS }, () => server.unix),
  ].map((address) => new StreamChannel(libc, epoll, address, mutator(), recorder, () => ++connection));
  const channels: readonly Channel[] = [datagrams, ...streams];
  const sent = () => channels.reduce((sum, { messages }) => sum + messages, 0);

  let failure: string | undefined;
  let isOver = false;
  const goods = await Promise.all(
    [server.tcp, server.unix].map((address, index) =>
      GoodClient.connect(address, WITNESS, new Random(plan.seed, 1000 + index), undefined, plan.silenceMs)
    ),
  );
  const checking = goods.map((good) =>
    good.run(() => isOver).catch((error: unknown) => {
      failure ??= error instanceof Error ? error.message : String(error);
    })
  );

  const start = performance.now();
  let lookedAt = start;
  let residentBefore = 0;
  let taken = 0;
  let resident = server.resident;
  while (failure === undefined) {
    try {
      for (const channel of channels) channel.turn();
      epoll.poll(0);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    await setImmediate();
    const now = performance.now();
    if (now - lookedAt < LOOK_EVERY_MS) continue;
    lookedAt = now;
    failure ??= faultOf(server);
    if (failure !== undefined) break;
    taken = await messagesOf(server) ?? taken;
    resident = server.resident;
    const progress = Math.max((now - start) / plan.durationMs, taken / plan.messages);
    if (progress < WARM_UP || now - start < MIN_WARM_UP_MS) residentBefore = resident;
    if (progress >= 1) break;
  }
  const seconds = (performance.now() - start) / 1000;
  isOver = true;
  for (const channel of channels) channel.close();
  await Promise.all(checking);
  failure ??= faultOf(server);
  if (failure === undefined) {
    resident = await rested(server, residentBefore + MAX_GROWTH_BYTES);
    if (resident - residentBefore > MAX_GROWTH_BYTES) {
      failure = `its memory grew by ${
        ((resident - residentBefore) / 2 ** 20).toFixed(1)
      } MiB after the warm-up`;
    }
  }
  for (const good of goods) good[Symbol.dispose]();
  epoll.close();
  library.close();
  return {
    sentMessages: sent(),
    messages: taken,
    datagrams: datagrams.messages,
    replies: channels.reduce((sum, { replies }) => sum + replies, 0),
    connections: streams.reduce((sum, { connections }) => sum + connections, 0),
    seconds,
    good: goods.reduce((sum, { answered }) => sum + answered, 0),
    residentBefore,
    residentAfter: resident,
    failure,
    sent: failure === undefined ? [] : [...recorder.sent()],
  };
}

/** Its memory, once it is no more than that or has had its rest. */
async function rested(server: WatchedServer, most: number): Promise<number> {
  const deadline = performance.now() + REST_MS;
  while (server.resident > most && performance.now() < deadline) await pause(LOOK_EVERY_MS);
  return server.resident;
}

/** Messages that the server has read so far; undefined where it does not answer: what is wrong shows elsewhere. */
async function messagesOf(server: WatchedServer): Promise<number | undefined> {
  try {
    const { messages: { tcp, udp, unix } } = await server.stats();
    return tcp + udp + unix;
  } catch {
    return undefined;
  }
}

/** What the server shows of a fault of its own. */
export function faultOf(server: WatchedServer): string | undefined {
  if (server.process.hasEnded) return `the server has died: ${server.process.stderr}`;
  const line = server.log.find((line) => line.includes('"level":"error"'));
  return line === undefined ? undefined : `the server logged an error: ${line}`;
}
