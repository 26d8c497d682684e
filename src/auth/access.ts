import type { Identity } from "./identity.ts";

/** Who may come in by one listener, and as whom. Another one takes its place at a reload. */
export interface Access {
  /** What tells who somebody is; null where nobody is asked. */
  readonly guard: Guard | null;
  /** Whether that address may connect at all; "" is a Unix socket. */
  admits(address: string): boolean;
  /** What a caller from there is that has not said who it is: null where everybody may do everything. */
  stranger(address: string): Identity | null;
}

/** Tells who somebody is. */
export interface Guard {
  /**
   * The identity of a token, its rate and that of the address in it. Throws AuthError; a failure is counted for the address.
   * Compares in constant time.
   *
   * @param now monotonic, in ms
   */
  login(token: string, address: string, now: number): Identity;
  /** By the subject of a client certificate; null where it is unknown. */
  byCertificate(subject: string, address: string): Identity | null;
  /**
   * What has become of an identity that this guard, or the one before it, gave: the same with the rights that it has now. Where
   * it is gone, its `isOver` is true.
   */
  again(identity: Identity): Identity;
}

/** Everybody from everywhere may do everything. */
export const OPEN_ACCESS: Access = { guard: null, admits: () => true, stranger: () => null };
