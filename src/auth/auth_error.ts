/** Why nobody was let in. */
export type AuthErrorKind = "missing" | "wrong" | "expired" | "revoked" | "oversized" | "too_many_failures";

/** A login that was refused; the message says why, without the token. */
export class AuthError extends Error {
  override readonly name = "AuthError";

  /** @param delay how long the caller is to wait for being told so, in ms: what its address has failed before */
  constructor(readonly kind: AuthErrorKind, message: string, readonly delay = 0) {
    super(message);
  }
}
