import type { Action, Identity, RateLimit } from "./identity.ts";

/** An identity of which one request has been taken already, before what it asks for was known. */
export class PaidIdentity implements Identity {
  #isPaid = true;

  constructor(readonly payer: Identity) {}

  get name(): string {
    return this.payer.name;
  }

  get problem(): string | null {
    return this.payer.problem;
  }

  get isOver(): boolean {
    return this.payer.isOver;
  }

  get exceeded(): RateLimit {
    return this.payer.exceeded;
  }

  may(action: Action, plugin: string | null): boolean {
    return this.payer.may(action, plugin);
  }

  take(now: number): boolean {
    if (!this.#isPaid) return this.payer.take(now);
    this.#isPaid = false;
    return true;
  }
}
