import type { Identity } from "./identity.ts";

/** Who may come in by one listener, and as whom. Another one takes its place at a reload. */
export interface Access {
  /** What tells who somebody is by a token; null where none is asked for. */
  readonly guard: Guard | null;
  /** Whether that address may connect at all; "" is a Unix socket. */
  admits(address: string): boolean;
  /**
   * Who a caller from there is that has shown no token: null where everybody may do everything.
   *
   * @param subject of the client certificate that it has shown; null where it has shown none
   */
  stranger(address: string, subject: string | null): Identity | null;
  /** Who somebody is now whom this access, or the one before it, took for that: see {@link Identity.isOver}. */
  again(identity: Identity | null, address: string, subject: string | null): Identity | null;
}

/** Tells who somebody is. */
export interface Guard {
  /**
   * The identity of a token, its rate and that of the address in it. Throws AuthError; a failure is counted for the
   * address. Compares in constant time.
   *
   * @param now monotonic, in ms
   */
  login(token: string, address: string, now: number): Identity;
}

/** Everybody from everywhere may do everything. */
export const OPEN_ACCESS: Access = {
  guard: null,
  admits: () => true,
  stranger: () => null,
  again: () => null,
};
