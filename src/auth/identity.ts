/**
 * What somebody may do: have a plugin's command done and wait for it ("call"), queue it ("enqueue"), read figures
 * ("stats"), run the server ("control"). A plugin's cache commands are calls, or enqueued where nobody waits for them.
 */
export type Action = "call" | "enqueue" | "stats" | "control";

/** The rate that a request was over. */
export type RateLimit = "rate" | "rate_per_address";

/** Who a caller is. Where everybody may do everything there is none: a caller's identity is null then. */
export interface Identity {
  /** For logs and sentences, never the token; "" where nobody has logged in. */
  readonly name: string;
  /** Why nothing is done for it now, whatever it asks for: it has not logged in, its token has expired or is revoked; else null. */
  readonly problem: string | null;
  /** Whether it will never be more: what it has open is to be closed. */
  readonly isOver: boolean;
  /** Whether it has that right; a plugin of null is the server as a whole. */
  may(action: Action, plugin: string | null): boolean;
  /**
   * Takes one request of its rate, and of its address's; false where that is over it, and {@link exceeded} tells which.
   *
   * @param now monotonic, in ms
   */
  take(now: number): boolean;
  /** What the last {@link take} that failed was over. */
  readonly exceeded: RateLimit;
}

/** Why an identity is refused something, as a sentence. */
export function refusalOf(identity: Identity, action: Action, plugin: string | null): string {
  if (identity.problem !== null) return identity.problem;
  const right = plugin === null ? action : `${action}:${plugin}`;
  return `${identity.name} may not do this: it lacks the right ${right}`;
}
