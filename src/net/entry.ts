import { AuthError } from "../auth/auth_error.ts";
import type { Identity } from "../auth/identity.ts";
import type { StreamHandler } from "./stream_handler.ts";

/** The longest message of a caller that is to log in and has not, its prefix included, in bytes. */
export const LOGIN_FRAME_BYTES = 8192;

/** Who is at the other end of a connection, from its first byte to its last, and what a refused login costs. */
export class Entry {
  identity: Identity | null;
  /** A refusal waits to be told: nothing is read and nothing sent until then. */
  isWaiting = false;
  /** Since when it has not logged in, by the handler's time. */
  #strangerSince: number;
  /** How long the refusal that is about to be told waits, in ms. */
  #delay = 0;
  #timer: number | undefined;

  /**
   * @param address empty for a Unix socket
   * @param subject of the client certificate that was shown; null where none was
   */
  constructor(readonly handler: StreamHandler, readonly address: string, readonly subject: string | null) {
    this.identity = handler.options.access.stranger(address, subject);
    this.#strangerSince = handler.time;
  }

  /** Whether it is to log in, and has not. */
  get isStranger(): boolean {
    return this.identity !== null && this.identity.name === "" && this.identity.problem !== null;
  }

  /** The name of whom a token belongs to; "" where nobody is asked. Throws AuthError. */
  login(token: string): string {
    const { options: { access }, now } = this.handler;
    try {
      this.identity = access.guard?.login(token, this.address, now()) ?? this.identity;
    } catch (error) {
      if (error instanceof AuthError) this.#delay = error.delay;
      throw error;
    }
    return this.identity?.name ?? "";
  }

  /** Takes over what its listener says of it now. */
  again(): void {
    const wasStranger = this.isStranger;
    this.identity = this.handler.options.access.again(this.identity, this.address, this.subject);
    if (this.isStranger && !wasStranger) this.#strangerSince = this.handler.time;
  }

  /** Whether it has been a stranger for longer than it may; `time` is the handler's. */
  isLate(time: number): boolean {
    return this.isStranger && time - this.#strangerSince >= this.handler.limits.authTimeout;
  }

  /** Begins to wait where the last login is to be refused late; false where it is not. */
  wait(over: () => void): boolean {
    if (this.#delay === 0) return false;
    this.isWaiting = true;
    this.#timer = setTimeout(over, this.#delay);
    this.#delay = 0;
    return true;
  }

  /** Waits no longer; whether it did. */
  stopWaiting(): boolean {
    const was = this.isWaiting;
    this.isWaiting = false;
    clearTimeout(this.#timer);
    return was;
  }
}
