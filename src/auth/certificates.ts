import type { AddressRates } from "./address_rates.ts";
import { Credential, type Grant, Holder } from "./credential.ts";
import type { Identity } from "./identity.ts";

/** The subject of client certificates as the config knows it. */
export interface CertificateGrant extends Grant {
  readonly subject: string;
}

/** Knows who may do what by the subject of a client certificate. */
export class Certificates {
  #credentials: ReadonlyMap<string, Credential> = new Map();

  /**
   * @param clock in ms since 1970
   * @param now monotonic, in ms
   */
  constructor(readonly rates: AddressRates, readonly clock: () => number, readonly now: () => number) {}

  /** Knows these from now on, and no others; who is in already has the rights that are given here. */
  replace(grants: readonly CertificateGrant[]): void {
    const before = this.#credentials;
    const after = new Map<string, Credential>();
    for (const grant of grants) {
      const known = before.get(grant.subject);
      known?.become(grant);
      after.set(grant.subject, known ?? new Credential("certificate", grant, this.clock, this.now));
    }
    for (const [subject, credential] of before) if (!after.has(subject)) credential.isRevoked = true;
    this.#credentials = after;
  }

  /** Null where nobody knows that subject. */
  holder(subject: string, address: string): Identity | null {
    const credential = this.#credentials.get(subject);
    return credential === undefined ? null : new Holder(credential, this.rates.of(address));
  }
}
