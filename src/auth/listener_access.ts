import type { Access, Guard } from "./access.ts";
import { AddressList, type AddressNet } from "./address_list.ts";
import type { AddressRates } from "./address_rates.ts";
import type { Certificates } from "./certificates.ts";
import { Holder, Stranger } from "./credential.ts";
import type { Identity } from "./identity.ts";

/** How callers of a listener show who they are. */
export const AUTH_KINDS = ["none", "token", "certificate"] as const;
export type AuthKind = typeof AUTH_KINDS[number];

/** What a config says of a listener's callers. */
export interface AccessConfig {
  /** Those that may connect; empty is everybody. */
  readonly allow: readonly AddressNet[];
  readonly auth: AuthKind;
}

/** What all listeners share. */
export interface AccessParts {
  readonly guard: Guard;
  readonly certificates: Certificates;
  readonly rates: AddressRates;
}

/** Who may come in by a listener, by its config. */
export class ListenerAccess implements Access {
  readonly guard: Guard | null;
  readonly #allowed: AddressList | null;

  constructor(readonly config: AccessConfig, readonly parts: AccessParts) {
    this.guard = config.auth === "token" ? parts.guard : null;
    this.#allowed = config.allow.length === 0 ? null : new AddressList(config.allow);
  }

  admits(address: string): boolean {
    return this.#allowed === null || address === "" || this.#allowed.has(address);
  }

  stranger(address: string, subject: string | null): Identity | null {
    const { rates, certificates } = this.parts;
    const meter = rates.of(address);
    switch (this.config.auth) {
      case "none":
        return meter === null ? null : new Stranger(null, false, meter);
      case "token":
        return new Stranger('log in first: send a token to "Reserve.Auth"', false, meter);
      case "certificate": {
        if (subject === null) return new Stranger("no client certificate was shown", true, meter);
        const unknown = `no [[certificate]] has the subject ${JSON.stringify(subject)}`;
        return certificates.holder(subject, address) ?? new Stranger(unknown, true, meter);
      }
    }
  }

  again(identity: Identity | null, address: string, subject: string | null): Identity | null {
    const isLoggedIn = this.guard !== null && identity instanceof Holder &&
      identity.credential.kind === "token";
    if (!isLoggedIn) return this.stranger(address, subject);
    return new Holder(identity.credential, this.parts.rates.of(address));
  }
}
