import type { Access, Guard } from "../auth/access.ts";
import { OPEN_ACCESS } from "../auth/access.ts";
import { netText } from "../auth/address_list.ts";
import { AddressRates } from "../auth/address_rates.ts";
import { Certificates } from "../auth/certificates.ts";
import type { Grant } from "../auth/credential.ts";
import { type AccessConfig, ListenerAccess } from "../auth/listener_access.ts";
import { rateText } from "../auth/rate.ts";
import { rightText } from "../auth/rights.ts";
import { hashText } from "../auth/token.ts";
import { type LoginLimits, TokenGuard } from "../auth/token_guard.ts";
import type { Config, ServerConfig } from "../config/config.ts";
import { differences } from "../config/differences.ts";
import type { LimitLog } from "../observe/limit_log.ts";

/** What all entrances of the server know of those who come: tokens, certificates, rates. */
export class Entrance {
  #control: Access = OPEN_ACCESS;
  readonly rates: AddressRates;
  readonly certificates: Certificates;
  readonly guard: TokenGuard & Guard;

  /**
   * @param limits those that count now
   * @param now monotonic, in ms
   */
  constructor(config: Config, limits: () => LoginLimits, limitLog: LimitLog, now: () => number) {
    const clock = () => Date.now();
    const rates = this.rates = new AddressRates(now);
    this.certificates = new Certificates(rates, clock, now);
    this.guard = new TokenGuard({ limits, rates, limitLog, clock, now });
    this.take(config);
  }

  /** Knows what a config says from now on; listeners see it when they get their access anew. */
  take({ tokens, certificates, server }: Config): void {
    this.rates.set(server.ratePerAddress);
    this.guard.replace(tokens);
    this.certificates.replace(certificates);
    const { allow, auth } = server;
    // There is no TLS there: who is to be known by a certificate elsewhere needs a token here.
    this.#control = this.accessOf({ allow, auth: auth === "none" ? "none" : "token" });
  }

  /** That of control connections over TCP, as it counts now. */
  readonly ofControl = (): Access => this.#control;

  /** That of a listener. */
  accessOf(config: AccessConfig): Access {
    const isOpen = config.auth === "none" && config.allow.length === 0 && this.rates.rate === null;
    return isOpen ? OPEN_ACCESS : new ListenerAccess(config, this);
  }
}

/** `[server]` with what it says of those who come as it is written, to tell what has changed. */
export function serverAsWritten(server: ServerConfig): object {
  const { ratePerAddress: rate, allow } = server;
  return { ...server, allow: allow.map(netText), ratePerAddress: rate === null ? "none" : rateText(rate) };
}

/** What another config changes of tokens and certificates, a sentence each. */
export function grantChanges(before: Config, after: Config): string[] {
  return [
    ...changes("token", before.tokens, after.tokens, ({ name }) => name),
    ...changes("certificate", before.certificates, after.certificates, ({ subject }) => subject),
  ];
}

function changes<G extends Grant>(
  kind: string,
  before: readonly G[],
  after: readonly G[],
  keyOf: (grant: G) => string,
): string[] {
  const old = new Map(before.map((grant) => [keyOf(grant), grant]));
  const changed = after.flatMap((grant) => {
    const key = keyOf(grant);
    const was = old.get(key);
    old.delete(key);
    if (was === undefined) return [`${kind} ${key} added`];
    return differences(shown(was), shown(grant)).map((what) => `${kind} ${key}: ${what}`);
  });
  return [...changed, ...[...old.keys()].map((key) => `${kind} ${key} removed`)];
}

/** As the config writes it. */
function shown(grant: Grant & { readonly hash?: Uint8Array }): object {
  const { hash, rights, expires, rate } = grant;
  return {
    ...hash === undefined ? {} : { hash: hashText(hash) },
    rights: [...new Set(rights.map(rightText))].join(" "),
    expires: expires === null ? "never" : new Date(expires).toISOString(),
    rate: rate === null ? "none" : rateText(rate),
  };
}
