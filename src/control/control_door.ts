import type { Access } from "../auth/access.ts";
import { AuthError } from "../auth/auth_error.ts";
import { type Identity, refusalOf } from "../auth/identity.ts";
import type { JsonObject } from "../plugin.ts";
import type { Actor } from "./actor.ts";
import { ControlRefusal } from "./control_request.ts";

/** Who comes by a control socket: whoever may open the file of one may do everything, over TCP tokens may be asked for. */
export interface ControlDoor {
  /** Who is known to come that way before any token is looked at. */
  readonly actor: Actor;
  /**
   * Who sends a request with this token, undefined where none was given. Rejects with ControlRefusal where it may not be done.
   */
  check(token: unknown, command: string, plugin: string | null): Promise<Actor>;
}

/** A request of somebody who is known and may not do that. */
export class ControlDenial extends ControlRefusal {
  constructor(message: string, readonly actor: Actor) {
    super(message);
  }
}

/** That of a socket file: its rights say who may open it. */
export const OPEN_DOOR: ControlDoor = openDoor({ by: "control", name: null, address: null, uid: Deno.uid() });

function openDoor(actor: Actor): ControlDoor {
  return { actor, check: () => Promise.resolve(actor) };
}

/** That of a TCP socket, for one caller. */
export class TokenDoor implements ControlDoor {
  readonly actor: Actor;

  /**
   * @param access that counts now
   * @param now monotonic, in ms
   */
  constructor(readonly access: () => Access, readonly address: string, readonly now: () => number) {
    this.actor = { by: "control", name: null, address, uid: null };
  }

  async check(token: unknown, command: string, plugin: string | null): Promise<Actor> {
    const access = this.access();
    const { guard } = access;
    if (guard === null) return this.actor;
    if (token !== undefined && typeof token !== "string") throw new ControlRefusal("token: expected a text");
    const now = this.now();
    let identity: Identity;
    try {
      identity = guard.login(token ?? "", this.address, now);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      // What its address may ask for is used up by those who guess, too.
      if (access.stranger(this.address, null)?.take(now) === false) throw overRate("their address's");
      if (error.delay > 0) await new Promise((resolve) => setTimeout(resolve, error.delay));
      throw new ControlRefusal(error.message);
    }
    if (!identity.take(now)) throw overRate("the token's");
    const action = command === "stats" ? "stats" : "control";
    const actor = { ...this.actor, name: identity.name };
    if (!identity.may(action, plugin)) throw new ControlDenial(refusalOf(identity, action, plugin), actor);
    return actor;
  }
}

function overRate(whose: string): ControlRefusal {
  return new ControlRefusal(`too many requests: they come faster than ${whose} rate`);
}

/** A request without its token, which is told to nobody. */
export function withoutToken({ token: _, ...rest }: JsonObject): JsonObject {
  return rest;
}
