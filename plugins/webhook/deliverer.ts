import type { Context, PluginContext, Result } from "mevent/plugin";
import { fetchReason } from "../../src/without_proxies.ts";
import { type Permission, requirePermissions } from "../permissions.ts";
import { Clients } from "./clients.ts";
import { Host } from "./host.ts";
import { PORTS } from "./host_pattern.ts";
import { type Content, contentOf, type Target, targetOf } from "./request.ts";
import { type Answer, readAnswer, verdictOf } from "./response.ts";
import type { RequestSettings, SecretSource, WebhookSettings } from "./settings.ts";
import { Signer } from "./signer.ts";

const ERROR = 14;
const REFUSED = 40;
/** Hosts that are remembered; of more than these, those where nothing goes on are forgotten. */
const MAX_HOSTS = 1000;

/** Makes one request an operation and tells what has come of it. */
export class Deliverer {
  readonly #hosts = new Map<string, Host>();
  readonly #signers = new Map<SecretSource, Signer | null>();
  readonly #clients = new Clients();

  /** The bounds of the endpoints' hosts; others have those of the defaults. */
  readonly #bounds: ReadonlyMap<string, RequestSettings>;

  constructor(readonly settings: WebhookSettings, readonly context: PluginContext) {
    this.#bounds = new Map(
      [...settings.endpoints.values()].map((endpoint) => [endpoint.url.origin, endpoint]),
    );
  }

  /** Reads the secrets and the certificates; throws with a sentence where one is missing, or a grant. */
  async start(): Promise<void> {
    const { defaults, endpoints } = this.settings;
    for (const way of [defaults, ...endpoints.values()]) {
      await this.#clients.add(way);
      const { secret } = way;
      if (!this.#signers.has(secret)) this.#signers.set(secret, await Signer.from(secret));
    }
    requireHosts(this.settings);
  }

  stop(): void {
    this.#clients.close();
  }

  /** One attempt. What it throws says whether there is to be another one. */
  async deliver(context: Context<unknown>): Promise<Result> {
    const target = targetOf(context, this.settings);
    const content = contentOf(context, target, this.settings);
    const host = this.#hostOf(target.url.origin, target);
    await host.enter(context);
    const { status, type, body, truncated, retryAfter } = await this.#request(context, target, host, content);
    const who = `${target.name}${through(target.settings)}`;
    switch (verdictOf(status)) {
      case "delivered":
        context.stats.count("delivered");
        return { id: content.id, status, type, body, truncated };
      case "later":
        context.stats.count("failed");
        throw context.fail(ERROR, `${who} answered ${status}`, { retryAfter });
      case "refused":
        context.stats.count("refused");
        // Of an async one the server tells that it is a dead letter now; here somebody else than the caller may have to see to it.
        if (context.sync) context.log.warn("a delivery is refused", { to: who, status, id: content.id });
        throw context.fail(REFUSED, `${who} answered ${status}${hint(status)}`, { retry: false });
    }
  }

  /** Makes the request and reads the response, both within the time-out, and tells the host what it was. */
  async #request(
    context: Context<unknown>,
    { name, url, settings }: Target,
    host: Host,
    content: Content,
  ): Promise<Answer> {
    const { method, secret, timeout } = settings;
    const startedAt = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    const signal = AbortSignal.any([context.signal, late.signal]);
    let answer: Answer | null = null;
    let outcome: "up" | "down" | "unknown" = "unknown";
    try {
      const headers = await this.#sign(content, secret);
      const client = this.#clients.of(settings);
      // Deno's fetch sends a request again by itself where no answer has come and it can copy the body: a Blob's it cannot.
      const body = new Blob([content.body]);
      const response = await fetch(url, { method, headers, body, client, redirect: "manual", signal });
      answer = await readAnswer(response, this.settings.maxResponse, Date.now());
      outcome = answer.status >= 500 ? "down" : "up";
      return answer;
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      // A missing permission says which.
      if (error instanceof Deno.errors.NotCapable) throw error;
      outcome = "down";
      context.stats.count("failed");
      const why = late.signal.aborted ? `it did not answer within ${timeout} ms` : fetchReason(error, url);
      throw context.fail(ERROR, `${name} cannot be reached${through(settings)}: ${why}`);
    } finally {
      clearTimeout(timer);
      const rest = answer !== null && verdictOf(answer.status) === "later" ? answer.retryAfter : 0;
      this.#tell(host, host.leave(outcome, performance.now() - startedAt, rest));
    }
  }

  async #sign({ id, headers, body }: Content, secret: SecretSource): Promise<Headers> {
    const timestamp = Math.floor(Date.now() / 1000);
    headers.set("webhook-id", id);
    headers.set("webhook-timestamp", String(timestamp));
    const signature = await this.#signers.get(secret)?.sign(id, timestamp, body);
    if (signature !== undefined) headers.set("webhook-signature", signature);
    return headers;
  }

  #hostOf(origin: string, { url, settings }: Target): Host {
    let host = this.#hosts.get(origin);
    if (host !== undefined) return host;
    if (this.#hosts.size >= MAX_HOSTS) this.#forget();
    const bounds = this.#bounds.get(origin) ?? settings;
    host = new Host(url.host, bounds, this.settings, () => performance.now(), Math.random);
    this.#hosts.set(origin, host);
    return host;
  }

  #forget(): void {
    for (const [origin, host] of this.#hosts) if (host.isIdle) this.#hosts.delete(origin);
  }

  #tell({ name }: Host, changed: "up" | "down" | null): void {
    if (changed === null) return;
    const down = [...this.#hosts.values()].filter(({ isDown }) => isDown).length;
    this.context.stats.gauge("hosts down", down);
    if (changed === "up") this.context.log.info("a host is up again", { host: name });
    else this.context.log.warn("a host is down and left alone for a while", { host: name });
  }
}

/** Throws where a host or a proxy that requests may go to is not granted. */
export function requireHosts(settings: WebhookSettings): void {
  requirePermissions("there are hosts and proxies without a grant", ...hostsOf(settings));
}

/** Where requests go to, as far as the config says it, and the proxies on the way. */
function hostsOf({ endpoints, allowHosts, defaults }: WebhookSettings): Permission[] {
  const exact = allowHosts.filter(({ isWild }) => !isWild);
  const proxies = [...endpoints.values(), ...allowHosts.length > 0 ? [defaults] : []].flatMap(({ proxy }) =>
    proxy === null ? [] : [proxy.host]
  );
  const hosts = [
    ...[...endpoints.values()].map(({ url }) => hostAndPort(url)),
    ...exact.map(({ hostname, port }) => `${hostname}:${port}`),
    ...proxies,
  ];
  return [...new Set(hosts)].map((host) => ({ name: "net", host }));
}

function hostAndPort({ protocol, hostname, port }: URL): string {
  return `${hostname}:${port || PORTS[protocol]}`;
}

function through({ proxy }: RequestSettings): string {
  return proxy === null ? "" : ` through the proxy ${proxy.host}`;
}

function hint(status: number): string {
  return status >= 300 && status < 400 ? "; redirects are not followed" : "";
}
