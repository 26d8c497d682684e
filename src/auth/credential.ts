import type { Action, Identity, RateLimit } from "./identity.ts";
import { type Rate, RateMeter } from "./rate.ts";
import { type Right, Rights } from "./rights.ts";

/** What a token or the subject of a certificate may do, as the config says. */
export interface Grant {
  readonly name: string;
  readonly rights: readonly Right[];
  /** When it ends, in ms since 1970; null is never. */
  readonly expires: number | null;
  /** For all who use it together; null is no bound. */
  readonly rate: Rate | null;
}

/** A token, or the subject of a certificate, that the config knows, or has known: whoever uses it sees a reload's change at once. */
export class Credential {
  isRevoked = false;
  #grant: Grant;
  #rights: Rights;
  #meter: RateMeter | null;

  /**
   * @param kind for sentences
   * @param clock ms since 1970
   * @param now monotonic, in ms
   */
  constructor(
    readonly kind: "token" | "certificate",
    grant: Grant,
    readonly clock: () => number,
    readonly now: () => number,
  ) {
    this.#grant = grant;
    this.#rights = new Rights(grant.rights);
    this.#meter = this.#meterOf(grant.rate);
  }

  get name(): string {
    return this.#grant.name;
  }

  get isExpired(): boolean {
    const { expires } = this.#grant;
    return expires !== null && this.clock() >= expires;
  }

  /** Why it opens nothing; null where it does. */
  get problem(): string | null {
    if (this.isRevoked) return `${this.kind} ${this.name} is revoked`;
    if (!this.isExpired) return null;
    return `${this.kind} ${this.name} has expired at ${new Date(this.#grant.expires!).toISOString()}`;
  }

  may(action: Action, plugin: string | null): boolean {
    return this.#rights.may(action, plugin);
  }

  take(now: number): boolean {
    return this.#meter === null || this.#meter.take(now);
  }

  /** Takes over what a config says of it now; a rate that stays goes on from where it is. */
  become(grant: Grant): void {
    const { rate } = this.#grant;
    if (rate?.requests !== grant.rate?.requests || rate?.ms !== grant.rate?.ms) {
      this.#meter = this.#meterOf(grant.rate);
    }
    this.#grant = grant;
    this.#rights = new Rights(grant.rights);
    this.isRevoked = false;
  }

  #meterOf(rate: Rate | null): RateMeter | null {
    return rate === null ? null : new RateMeter(rate, this.now());
  }
}

/** Somebody with a credential, from an address that may have a rate, too. */
export class Holder implements Identity {
  exceeded: RateLimit = "rate";

  constructor(readonly credential: Credential, readonly address: RateMeter | null) {}

  get name(): string {
    return this.credential.name;
  }

  get problem(): string | null {
    return this.credential.problem;
  }

  get isOver(): boolean {
    return this.credential.problem !== null;
  }

  may(action: Action, plugin: string | null): boolean {
    return this.credential.may(action, plugin);
  }

  take(now: number): boolean {
    if (this.address !== null && !this.address.take(now)) {
      this.exceeded = "rate_per_address";
      return false;
    }
    this.exceeded = "rate";
    return this.credential.take(now);
  }
}

/** Somebody who has not said who it is: may do all where `problem` is null, else nothing. */
export class Stranger implements Identity {
  readonly name = "";
  readonly exceeded = "rate_per_address";

  /** @param isOver nothing that it could say makes it more */
  constructor(
    readonly problem: string | null,
    readonly isOver: boolean,
    readonly address: RateMeter | null,
  ) {}

  may(): boolean {
    return this.problem === null;
  }

  take(now: number): boolean {
    return this.address === null || this.address.take(now);
  }
}
