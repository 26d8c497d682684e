import type { LimitLog } from "../observe/limit_log.ts";
import type { Guard } from "./access.ts";
import type { AddressRates } from "./address_rates.ts";
import { AuthError, type AuthErrorKind } from "./auth_error.ts";
import { HASH_WORDS, indexOfHash, wordsOf } from "./constant_time.ts";
import { Credential, type Grant, Holder } from "./credential.ts";
import type { Identity } from "./identity.ts";
import { LoginFailures } from "./login_failures.ts";
import { hashOfToken, MAX_TOKEN_CHARS } from "./token.ts";

/** Tokens that were revoked and are still told from wrong ones; beyond them the one that was revoked first is forgotten. */
const MAX_REVOKED = 1000;

/** What a refused login waits grows by the delay after so many further failures, up to so many times the delay. */
const GROWS_AFTER = 20;
const MAX_GROWTH = 10;
/** Multiples of it are spread evenly: those who come together are not told together, to come together again. */
const SPREAD = (Math.sqrt(5) - 1) / 2;

/** A token as the config knows it. */
export interface TokenGrant extends Grant {
  readonly hash: Uint8Array;
}

/** What a login is bounded by. */
export interface LoginLimits {
  /** Failures of an address in a minute before further ones wait; 0 is no bound. */
  readonly maxLoginFailures: number;
  /** How long they wait for their answer at least, in ms. */
  readonly loginDelay: number;
}

/** What a guard works with. */
export interface GuardParts {
  /** Those that count now. */
  readonly limits: () => LoginLimits;
  readonly rates: AddressRates;
  readonly limitLog: LimitLog;
  /** In ms since 1970. */
  readonly clock: () => number;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** Knows the tokens of a config; one for all listeners, with the tokens of each config that comes. */
export class TokenGuard implements Guard {
  /** In the order of their hashes in {@link #hashes}. */
  #credentials: readonly Credential[] = [];
  #hashes = new Int32Array(0);
  /** By hash; those that are revoked, too, the ones of long ago first. */
  readonly #known = new Map<string, Credential>();
  readonly #failures = new LoginFailures();

  constructor(readonly parts: GuardParts) {}

  /** Lets these in from now on, and no others; who is in already has the rights that are given here. */
  replace(tokens: readonly TokenGrant[]): void {
    const { clock, now } = this.parts;
    const before = new Set(this.#credentials);
    this.#credentials = tokens.map((token) => {
      const key = token.hash.toHex();
      const known = this.#known.get(key);
      this.#known.delete(key);
      const credential = known ?? new Credential("token", token, clock, now);
      if (known !== undefined) credential.become(token);
      this.#known.set(key, credential);
      before.delete(credential);
      return credential;
    });
    for (const credential of before) credential.isRevoked = true;
    this.#hashes = new Int32Array(tokens.length * HASH_WORDS);
    for (const [at, { hash }] of tokens.entries()) this.#hashes.set(wordsOf(hash), at * HASH_WORDS);
    this.#forget();
  }

  login(token: string, address: string, now: number): Identity {
    if (token === "") throw new AuthError("missing", "log in first: no token was given");
    if (token.length > MAX_TOKEN_CHARS) {
      throw this.#refusal("oversized", `a token has at most ${MAX_TOKEN_CHARS} characters`, address, now);
    }
    const hash = hashOfToken(token);
    const at = indexOfHash(this.#hashes, wordsOf(hash));
    const credential = at < 0 ? this.#known.get(hash.toHex()) : this.#credentials[at]!;
    if (credential === undefined) {
      throw this.#refusal("wrong", "the token is wrong", address, now);
    }
    const { problem } = credential;
    if (problem !== null) {
      throw this.#refusal(
        credential.isRevoked ? "revoked" : "expired",
        problem,
        address,
        now,
        credential.name,
      );
    }
    return new Holder(credential, this.parts.rates.of(address));
  }

  #refusal(kind: AuthErrorKind, message: string, address: string, now: number, name?: string): AuthError {
    const { limits, limitLog } = this.parts;
    const { maxLoginFailures, loginDelay } = limits();
    const from = address === "" ? "unix" : address;
    const fields = { reason: kind, address: from, ...name === undefined ? {} : { token: name } };
    limitLog.reached("login", fields);
    const failures = this.#failures.failed(address, now);
    if (maxLoginFailures === 0 || failures <= maxLoginFailures) return new AuthError(kind, message);
    limitLog.reached("max_login_failures", fields);
    const over = failures - maxLoginFailures;
    const growth = Math.min(MAX_GROWTH, 1 + Math.floor(over / GROWS_AFTER));
    const delay = Math.round(loginDelay * growth * (1 + (over * SPREAD) % 1));
    return new AuthError(
      "too_many_failures",
      `${message}; ${from} has failed too often lately, so this was told after ${delay} ms`,
      delay,
    );
  }

  #forget(): void {
    let tooMany = this.#known.size - this.#credentials.length - MAX_REVOKED;
    for (const [key, { isRevoked }] of this.#known) {
      if (tooMany <= 0) return;
      if (!isRevoked) continue;
      this.#known.delete(key);
      tooMany--;
    }
  }
}
