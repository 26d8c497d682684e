import type { Identity } from "../auth/identity.ts";

/**
 * What an answer tells: a plugin's own ("result"; what its cache holds is the same), or what mevent has to say
 * ("told"). Clients of old ask for the server's status and know no other way to ask ("status").
 */
export type AnswerKind = "told" | "result" | "status";

/** Who sent a message, as the router sees it. */
export interface Caller {
  /** False where async requests get no reply. */
  readonly asyncReply: boolean;
  /** Calls of plugins that have led to the message; 0 where it came over a socket. */
  readonly hops: number;
  /** Who it is; null where it may do everything. */
  readonly identity: Identity | null;
  /** Becomes whom a token belongs to, and gives the name; "" where nobody is asked. Throws AuthError. */
  login(token: string): string;
  /** The longest body of a reply here, in bytes. */
  readonly maxBodyBytes: number;
  /** Gives the slot of the reply routes under which the result of a sync operation finds back. */
  openRoute(): number;
  /** The generation of the slot that {@link openRoute} gave last. */
  readonly routeGeneration: number;
  /** Answers at once; "told" where no kind is given. The body is the caller's until it returns. */
  answer(id: number, code: number, body: Uint8Array | null, kind?: AnswerKind): void;
  /** Answers a sync request that is in error, after the results of the sync requests that came before it. */
  refuse(id: number, code: number, body: Uint8Array | null): void;
}
