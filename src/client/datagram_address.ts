import { lookup } from "node:dns/promises";
import { encodeBody, Encoding } from "../protocol/body.ts";
import { writeRequest } from "../protocol/request.ts";
import type { DatagramAddress } from "./address.ts";
import type { Datagram, DatagramSocket } from "./runtime_sockets.ts";
import { sockets } from "./sockets.ts";

/** How long each address of a host gets to answer before the first of them is taken, in ms. */
const PROBE_MS = 500;
/** What every server of this protocol answers. */
const PROBE = { id: 1, plugin: "Reserve.Status", command: 1000, sync: true } as const;
/** Replies from a server at "any address" of this machine come from the loopback one. */
const ANY_HOST = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);

/** All addresses of a host, in the system's order; rejects where there is no such host. */
export type FindHost = (hostname: string) => Promise<readonly string[]>;

/**
 * The address with its host as the IP address, spelled as the system spells that of a sender. Where the host has several,
 * as localhost mostly has, it is the one where a server answers, or the first: nothing tells on UDP that nobody listens.
 * Rejects where there is no such host.
 */
export async function resolveDatagram(
  server: DatagramAddress,
  timeoutMs: number,
  find: FindHost = findHost,
): Promise<DatagramAddress> {
  const found = await find(server.hostname.replace(/^\[(.*)\]$/, "$1"));
  const hosts = new Set(found.map((address) => ANY_HOST.get(address) ?? spelled(address)));
  const addresses = [...hosts].map((host) => ({ ...server, hostname: host }));
  const [first] = addresses;
  if (first === undefined) throw new Error("no host of that name is known");
  return addresses.length === 1 ? first : await answering(addresses, Math.min(timeoutMs, PROBE_MS)) ?? first;
}

async function findHost(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}

/** The first of them that answers within so many ms. */
async function answering(
  addresses: readonly DatagramAddress[],
  timeoutMs: number,
): Promise<DatagramAddress | undefined> {
  const probes = (await Promise.all(addresses.map(probe))).filter((opened) => opened !== undefined);
  let timer;
  const over = new Promise<undefined>((resolve) => timer = setTimeout(resolve, timeoutMs, undefined));
  try {
    return await Promise.race([over, Promise.any(probes.map(({ answered }) => answered))]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    for (const { socket } of probes) socket.close();
    await Promise.allSettled(probes.map(({ answered }) => answered));
  }
}

interface Probe {
  readonly socket: DatagramSocket;
  /** Rejects where the socket is closed before. */
  readonly answered: Promise<DatagramAddress>;
}

/** Undefined where the system has no such family of addresses. */
async function probe(server: DatagramAddress): Promise<Probe | undefined> {
  let socket: DatagramSocket;
  try {
    socket = await sockets.openDatagrams(localHost(server));
  } catch {
    return undefined;
  }
  return { socket, answered: ask(socket, server) };
}

async function ask(socket: DatagramSocket, server: DatagramAddress): Promise<DatagramAddress> {
  await socket.send(writeRequest({ ...PROBE, body: encodeBody(Encoding.Json, {}) }, false), server);
  for (;;) {
    if (isFrom(await socket.receive(), server)) return server;
  }
}

/** Where a socket that talks to that server is bound. */
export function localHost({ hostname }: DatagramAddress): string {
  return hostname.includes(":") ? "::" : "0.0.0.0";
}

/** Anyone may send to a socket; only the server is listened to. */
export function isFrom(from: Pick<Datagram, "hostname" | "port">, server: DatagramAddress): boolean {
  return from.port === server.port && from.hostname === server.hostname;
}

function spelled(ip: string): string {
  return ip.includes(":") && URL.canParse(`http://[${ip}]`)
    ? new URL(`http://[${ip}]`).hostname.slice(1, -1)
    : ip;
}
