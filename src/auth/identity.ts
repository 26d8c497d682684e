/**
 * What somebody may do: have a plugin's command done and wait for it ("call"), queue it ("enqueue"), read figures
 * ("stats"), run the server ("control"). A plugin's cache commands are calls, or enqueued where nobody waits for them.
 */
export type Action = "call" | "enqueue" | "stats" | "control";

/** Who a caller is. Where everybody may do everything there is none: a caller's identity is null then. */
export interface Identity {
  /** For logs and sentences, never the token; "" before a login. */
  readonly name: string;
  /** Why nothing is done for it now, whatever it asks for: it has not logged in, its token has expired or is revoked; else null. */
  readonly problem: string | null;
  /** Whether it will never be more: what it has open is to be closed. */
  readonly isOver: boolean;
  /** Whether it has that right; a plugin of null is the server as a whole. */
  may(action: Action, plugin: string | null): boolean;
  /**
   * Takes one request of its rate, and of its address's; false where that is over it.
   *
   * @param now monotonic, in ms
   */
  take(now: number): boolean;
}

/** Why an identity is refused something, as a sentence. */
export function refusalOf(identity: Identity, action: Action, plugin: string | null): string {
  if (identity.problem !== null) return identity.problem;
  const right = plugin === null ? action : `${action}:${plugin}`;
  return `${identity.name} may not do this: it has not the right ${right}`;
}
