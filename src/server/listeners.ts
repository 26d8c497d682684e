import { type AdminLevel, adminLevel } from "../auth/admin_level.ts";
import { netText } from "../auth/address_list.ts";
import { formatAddress } from "../config/address.ts";
import type { ListenerConfig, UnixListenerConfig } from "../config/config.ts";
import { differences } from "../config/differences.ts";
import { DatagramGuard } from "../net/datagram_guard.ts";
import type { DatagramListener } from "../net/datagram_listener.ts";
import type { ConnectionMaker } from "../net/connection_maker.ts";
import type { EpollLoop } from "../net/epoll_loop.ts";
import { listenDatagrams, listenStream, noTls, WIRE } from "../net/listen.ts";
import { isLoopbackHost } from "../net/own_addresses.ts";
import type { StreamListener } from "../net/stream_listener.ts";
import type { ListenerOptions } from "../net/listener_options.ts";
import type { NetContext } from "../net/stream_handler.ts";
import { setRights } from "../net/socket_rights.ts";
import type { Certificates } from "../tls/certificates.ts";
import { HandshakeBudget } from "../tls/handshake_budget.ts";
import { TlsError } from "../tls/tls_error.ts";
import type { CertificateStats } from "../observe/server_stats.ts";
import { charsetOf } from "../protocol/charset.ts";
import { systemReason } from "../system_reason.ts";
import { addressHolder } from "./address_holder.ts";
import { CertificateKeeper, certificateStats } from "./certificate_keeper.ts";
import type { Entrance } from "./entrance.ts";
import { removeStaleSocket } from "../net/stale_socket.ts";

/** A listening address that cannot be had. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** A socket that is listened on; one of stream and datagrams is not null. */
interface Listening {
  readonly config: ListenerConfig;
  readonly stream: StreamListener | null;
  readonly datagrams: DatagramListener | null;
  /** Null where it serves no TLS. */
  readonly tls: Certificates | null;
}

/** The way from the sockets that are listened on to those of a config. */
export interface ListenerPlan {
  /** Listened on afterwards, in the config's order. */
  readonly after: readonly Listening[];
  readonly opened: readonly Listening[];
  readonly closed: readonly Listening[];
  /** Those whose files have other rights now, as they were before. */
  readonly altered: readonly UnixListenerConfig[];
  /** What it changes, a sentence each. */
  readonly changed: readonly string[];
  /** What of {@link after} is served with certificates that were read for it. */
  readonly certificates: readonly Certificates[];
}

/** All sockets that callers come in by. */
export class Listeners {
  streams: StreamListener[] = [];
  datagrams: DatagramListener[] = [];
  #listening: readonly Listening[] = [];
  /** No longer listened on, but somebody is still connected, or waits for a reply. */
  #leaving: Listening[] = [];

  readonly context: NetContext;
  readonly #keeper: CertificateKeeper;

  /**
   * @param http makes the connections of HTTP listeners
   * @param entrance who may come in, as its last config says
   */
  constructor(
    context: Omit<NetContext, "guard" | "handshakes">,
    readonly loop: EpollLoop | null,
    readonly http: ConnectionMaker,
    readonly entrance: Entrance,
  ) {
    const { limitLog, now } = context;
    const guard = new DatagramGuard({ limits: () => context.limits, limitLog, now });
    this.context = { ...context, guard, handshakes: new HandshakeBudget(now) };
    this.#keeper = new CertificateKeeper(context.log);
  }

  /** Where they listen, as `tcp 127.0.0.1:26000`. */
  get addresses(): string[] {
    const streams = this.#listening.filter(({ stream }) => stream !== null);
    const datagrams = this.#listening.filter(({ stream }) => stream === null);
    return [...streams, ...datagrams].map(({ config, stream, datagrams }) =>
      config.transport === "http"
        ? `http ${formatAddress(stream!.address as Deno.NetAddr)}`
        : addressText((stream ?? datagrams)!.address)
    );
  }

  /** The certificates of those that are listened on. */
  get certificates(): CertificateStats[] {
    return this.#listening.flatMap(({ stream, tls }) =>
      stream === null || tls === null ? [] : certificateStats(addressText(stream.address), tls)
    );
  }

  /** All that have connections, those that are not listened on any more included. */
  get hasHttp(): boolean {
    return this.#listening.some(({ config }) => config.transport === "http");
  }

  get served(): StreamListener[] {
    return [...this.#listening, ...this.#leaving].flatMap(({ stream }) => stream ?? []);
  }

  /**
   * Opens what a config has more. Rejects with ListenError where an address cannot be had; nothing is left open then.
   * Nobody is accepted until {@link take}: who connects before waits for that, or, where it comes to {@link drop}, is
   * turned away.
   */
  async plan(configs: readonly ListenerConfig[]): Promise<ListenerPlan> {
    const rest = [...this.#listening];
    const kept = configs.map((config) => {
      const at = rest.findIndex((listening) => nameOf(listening.config) === nameOf(config));
      return at < 0 ? undefined : rest.splice(at, 1)[0];
    });
    for (const [at, config] of configs.entries()) {
      if (kept[at] === undefined && config.transport === "unix") {
        await naming(config, () => removeStaleSocket(config.path));
      }
    }
    const opened: Listening[] = [];
    const certificates: Certificates[] = [];
    const giveUp = async () => {
      await close(opened);
      for (const each of certificates) each.close();
    };
    const altered: UnixListenerConfig[] = [];
    const changed: string[] = [];
    const after: Listening[] = [];
    for (const [at, config] of configs.entries()) {
      const before = kept[at];
      let tls: Certificates | null;
      try {
        tls = await this.#keeper.certificatesOf(
          config,
          nameOf(config),
          this.#makerOf(config).protocols,
          before?.tls ?? null,
        );
        if (tls !== null && tls !== before?.tls) certificates.push(tls);
        if (tls !== null && before?.stream?.canServeTls === false) throw noTls();
      } catch (error) {
        await giveUp();
        throw await listenError(config, error);
      }
      if (before !== undefined) {
        after.push({ ...before, config, tls });
        const other = differences(shown(before.config), shown(config));
        changed.push(...other.map((what) => `listener ${nameOf(config)}: ${what}`));
        continue;
      }
      const owing = this.#leaving.find((listening) =>
        listening.datagrams !== null && isNeeded(listening) && nameOf(listening.config) === nameOf(config)
      );
      if (owing !== undefined) {
        after.push({ ...owing, config });
        changed.push(`listener ${nameOf(config)} opened`);
        continue;
      }
      try {
        const fresh = this.#open(config, tls);
        opened.push(fresh);
        after.push(fresh);
      } catch (error) {
        await giveUp();
        throw await listenError(config, error);
      }
      changed.push(`listener ${nameOf(config)} opened`);
    }
    for (const [at, config] of configs.entries()) {
      const before = kept[at]?.config;
      if (config.transport !== "unix" || before?.transport !== "unix" || hasRightsOf(before, config)) {
        continue;
      }
      try {
        setRights(config.path, config);
        altered.push(before);
      } catch (error) {
        restore(altered);
        await giveUp();
        throw await listenError(config, error);
      }
    }
    changed.push(...rest.map(({ config }) => `listener ${nameOf(config)} closed`));
    return { after, opened, closed: rest, altered, changed, certificates };
  }

  /** Closes again what a plan has opened. */
  async drop(plan: ListenerPlan): Promise<void> {
    restore(plan.altered);
    await close(plan.opened);
    for (const certificates of plan.certificates) certificates.close();
  }

  /** Serves already what a plan has opened for HTTP: who asks there is told that the server starts. */
  beginHttp({ opened }: ListenerPlan): void {
    const early = opened.filter(isHttp);
    // Until they are taken they are among those that only end.
    this.#leaving.push(...early);
    for (const { stream } of early) stream?.begin();
  }

  /**
   * Serves what a plan has opened. What it closes takes nothing new; connections stay until their callers close them,
   * and who waits for a reply by UDP gets it.
   */
  take({ after, closed }: ListenerPlan): void {
    const before = this.#listening;
    this.#listening = after;
    this.streams = after.flatMap(({ stream }) => stream ?? []);
    this.datagrams = after.flatMap(({ datagrams }) => datagrams ?? []);
    for (const { config, stream, datagrams, tls } of after) {
      const options = this.#optionsOf(config, tls);
      stream?.handler.become(options);
      if (datagrams !== null) datagrams.options = options;
    }
    this.#leaving = this.#leaving.filter((each) =>
      !after.includes(each) && (each.datagrams === null || !this.datagrams.includes(each.datagrams))
    );
    for (const { stream, datagrams } of closed) {
      stream?.stopAccepting();
      datagrams?.stopReceiving();
    }
    for (const { stream, datagrams } of after) {
      stream?.begin();
      datagrams?.begin();
    }
    for (const { tls } of before) {
      // Who was about to be accepted has been.
      if (tls !== null && !after.some((listening) => listening.tls === tls)) tls.close();
    }
    this.#leaving.push(...closed.filter(isNeeded));
    for (const { config, stream, tls } of this.#leaving) stream?.handler.become(this.#optionsOf(config, tls));
    const all = [...this.#listening, ...this.#leaving];
    this.context.guard.ports = new Set(all.flatMap(({ datagrams }) => datagrams?.address.port ?? []));
    for (const { handler } of this.served) handler.liftMaxFrame();
  }

  /** Looks for callers that do not read, and for sockets that nobody needs any more; to be called now and then. */
  check(): void {
    // What a caller did while the thread had no time counts for it.
    this.loop?.readReady();
    for (const { handler } of this.served) handler.check();
    for (const { tls } of this.#listening) tls?.look();
    if (this.#leaving.length > 0) this.#leaving = this.#leaving.filter(isNeeded);
  }

  /** Takes no more connections but over HTTP, where who asks is told that the server stops. */
  async stopAccepting(): Promise<void> {
    const all = [...this.#listening, ...this.#leaving].filter((each) => !isHttp(each));
    await Promise.all(all.map(({ stream }) => stream?.stopAccepting()));
  }

  /** Ends all connections once they have got what they are owed, or when `enough` resolves. */
  async end(enough: (sent: Promise<unknown>) => Promise<void>): Promise<void> {
    await Promise.all(this.served.map((listener) => listener.stopAccepting()));
    const connections = this.served.flatMap(({ handler }) => [...handler.connections]);
    for (const connection of connections) connection.finish();
    const all = [...this.#listening, ...this.#leaving];
    const sent = [
      ...connections.map((connection) => connection.ended),
      ...all.map(({ datagrams }) => datagrams?.sent),
    ];
    await enough(Promise.all(sent));
    for (const connection of connections) connection.close();
    await Promise.all(connections.map((connection) => connection.ended));
    await close(all);
    for (const { tls } of this.#listening) tls?.close();
    this.#keeper.close();
  }

  /** Datagrams that the kernel threw away; null where it does not tell. */
  dropped(): number | null {
    const dropped = this.datagrams.map((listener) => listener.dropped());
    return dropped.includes(null) ? null : dropped.reduce((sum: number, each) => sum + (each ?? 0), 0);
  }

  #makerOf({ transport }: ListenerConfig): ConnectionMaker {
    return transport === "http" ? this.http : WIRE;
  }

  #open(config: ListenerConfig, tls: Certificates | null): Listening {
    const { context, loop } = this;
    const options = this.#optionsOf(config, tls);
    return config.transport === "udp"
      ? { config, stream: null, datagrams: listenDatagrams(config, options, context, loop), tls }
      : {
        config,
        stream: listenStream(config, options, context, loop, this.#makerOf(config)),
        datagrams: null,
        tls,
      };
  }

  #optionsOf(config: ListenerConfig, tls: Certificates | null): ListenerOptions {
    const { asyncReply, legacy, charset, cors, httpHosts } = config;
    const access = this.entrance.accessOf(config);
    const admin = adminLevelOf(config);
    return { asyncReply, legacy, charset: charsetOf(charset), cors, httpHosts, admin, tls, access };
  }
}

/** Where a plan's sockets listen, in the config's order, with the ports that they have got. */
export function addressesOf({ after }: ListenerPlan): Deno.Addr[] {
  return after.map(({ stream, datagrams }) => (stream ?? datagrams)!.address);
}

function adminLevelOf(config: ListenerConfig): AdminLevel {
  if (config.transport !== "http") return "off";
  const isAsked = config.auth !== "none" || (config.tls?.clientCa ?? null) !== null;
  return adminLevel(config.admin, isAsked, isLoopbackHost(config.hostname));
}

/** As the config writes it. */
function shown(config: ListenerConfig): object {
  const allow = config.allow.map(netText);
  return config.transport === "unix"
    ? { ...config, allow, mode: config.mode.toString(8).padStart(4, "0") }
    : { ...config, allow, tls: config.tls ?? "none" };
}

function hasRightsOf(a: UnixListenerConfig, b: UnixListenerConfig): boolean {
  return a.mode === b.mode && a.group === b.group;
}

/** Gives files back the rights that they had. */
function restore(configs: readonly UnixListenerConfig[]): void {
  for (const config of configs) setRights(config.path, config);
}

function isHttp({ config }: Listening): boolean {
  return config.transport === "http";
}

/** False for a socket with nobody left; one for UDP closes by itself then. */
function isNeeded({ stream, datagrams }: Listening): boolean {
  return stream === null ? datagrams !== null && datagrams.owed > 0 : stream.handler.connections.size > 0;
}

async function close(listening: readonly Listening[]): Promise<void> {
  await Promise.all(
    listening.flatMap(({ stream, datagrams }) => [stream?.stopAccepting(), datagrams?.close()]),
  );
}

async function naming<T>(config: ListenerConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await listenError(config, error);
  }
}

async function listenError(config: ListenerConfig, error: unknown): Promise<ListenError> {
  const reason = error instanceof TlsError
    ? error.message
    : error instanceof Deno.errors.AddrInUse
    ? `the address is in use: ${await addressHolder(config)}`
    : systemReason(error, "listen");
  return new ListenError(`cannot listen on ${nameOf(config)}: ${reason}`);
}

function addressText(address: Deno.Addr): string {
  return address.transport === "tcp" || address.transport === "udp"
    ? `${address.transport} ${formatAddress(address)}`
    : `unix ${(address as Deno.UnixAddr).path}`;
}

function nameOf(config: ListenerConfig): string {
  return config.transport === "unix" ? `unix ${config.path}` : `${config.transport} ${formatAddress(config)}`;
}
