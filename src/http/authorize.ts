import type { Access } from "../auth/access.ts";
import { AuthError } from "../auth/auth_error.ts";
import type { Identity } from "../auth/identity.ts";
import { tellOverRate } from "../auth/over_rate.ts";
import { PaidIdentity } from "../auth/paid_identity.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import { HttpError } from "./http_error.ts";
import type { RequestHead } from "./request_head.ts";

const BEARER = /^bearer +(\S+) *$/i;
/** Where the server says whether it is ready, and that it lives. */
export const READY_PATH = "/readyz";
export const HEALTH_PATH = "/healthz";
/** Where what its own page is made of lies. */
export const ASSETS_PATH = "/assets/";
/** After so long somebody who was over a rate may come again, in s. */
const RETRY_AFTER = "1";

/** What is said of the wire's login over HTTP. */
export const NO_LOGIN =
  "over HTTP nobody logs in: each request brings its token in the header Authorization: Bearer TOKEN";

/** Whether a target is everybody's: what asks for it has no token, or not yet. */
export function isOpen(target: string): boolean {
  return target === READY_PATH || target === HEALTH_PATH || target === "/" || target.startsWith("/?") ||
    target.startsWith(ASSETS_PATH);
}

/** Where a request comes from. */
export interface Origin {
  readonly access: Access;
  /** Empty for a Unix socket. */
  readonly address: string;
  /** Of its client certificate; null where it has shown none. */
  readonly subject: string | null;
}

/**
 * Who has sent a request, by `Authorization: Bearer TOKEN` or its client certificate; null where everybody may do everything. One
 * request is taken of its rate. Throws HttpError: 401, 403, 429.
 *
 * @param now monotonic, in ms
 */
export function identityOf(
  head: RequestHead,
  { access, address, subject }: Origin,
  limitLog: LimitLog,
  now: number,
): Identity | null {
  const { guard } = access;
  const identity = guard === null
    ? access.stranger(address, subject)
    : loggedIn(() => guard.login(tokenOf(head), address, now), () => {
      const stranger = access.stranger(address, subject);
      if (stranger === null || stranger.take(now)) return;
      tellOverRate(limitLog, stranger);
      throw tooMany();
    });
  if (identity === null) return null;
  if (identity.problem !== null) throw new HttpError(403, identity.problem, {}, true);
  if (identity.take(now)) return new PaidIdentity(identity);
  tellOverRate(limitLog, identity);
  throw tooMany();
}

function tooMany(): HttpError {
  return new HttpError(429, "too many requests: they come faster than the rate that is allowed", {
    "Retry-After": RETRY_AFTER,
  });
}

function tokenOf(head: RequestHead): string {
  const header = head.header("authorization");
  return header === null ? "" : BEARER.exec(header)?.[1] ?? "";
}

/** @param failed told of each that is none, before it is answered: it counts for its address, too */
function loggedIn(login: () => Identity, failed: () => void): Identity {
  try {
    return login();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { kind, message, delay } = error;
    failed();
    if (kind === "missing") {
      throw new HttpError(401, "send a token: Authorization: Bearer TOKEN", { "WWW-Authenticate": "Bearer" });
    }
    if (kind === "too_many_failures") {
      throw new HttpError(429, message, { "Retry-After": String(Math.ceil(delay / 1000)) }, true, delay);
    }
    throw new HttpError(401, message, { "WWW-Authenticate": 'Bearer error="invalid_token"' }, true);
  }
}
