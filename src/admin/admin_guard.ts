import { type Action, refusalOf } from "../auth/identity.ts";
import type { Actor } from "../control/actor.ts";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http_error.ts";
import { fetchSite, isOwnHost, isOwnPage } from "../http/own_page.ts";

/** What a browser says of a request that no other site's page has made; null is no browser. */
const OWN_SITES = [null, "same-origin", "none"];

/**
 * Whether a request may be taken for one of somebody who runs the server, whatever it asks for. Throws HttpError (403) where a page of
 * another site may have made it, or the listener is not for that.
 */
export function checkSender({ head, place, asksWho }: Exchange): void {
  if (place.options.admin === "off") {
    throw new HttpError(403, 'the server is not administered by this listener: admin = "off" in its config');
  }
  const origin = head.header("origin");
  if (!OWN_SITES.includes(fetchSite(head)) || (origin !== null && !isOwnPage(head, origin))) {
    throw new HttpError(403, "a page of another site has made this request; only the server's own page may");
  }
  if (!asksWho && !isOwnHost(head, place.options)) {
    throw new HttpError(
      403,
      `${
        JSON.stringify(head.header("host"))
      } is no name of this server that it knows: http_hosts in its config names those by which browsers reach it`,
    );
  }
}

/** Whether the sender of a request has that right; a plugin of null is the server as a whole. */
export function may({ identity, place }: Exchange, action: Action, plugin: string | null): boolean {
  if (action === "control" && place.options.admin !== "full") return false;
  return identity === null || identity.may(action, plugin);
}

/** Throws HttpError (403) where it has not. */
export function checkRight(exchange: Exchange, action: Action, plugin: string | null): void {
  if (may(exchange, action, plugin)) return;
  const { identity, place, services: { limitLog } } = exchange;
  if (identity === null || identity.may(action, plugin)) {
    throw new HttpError(
      403,
      `this listener lets nobody change the server (admin = "${place.options.admin}"): ask another, or set admin = "full"`,
    );
  }
  limitLog.reached("rights", { token: identity.name });
  throw new HttpError(403, refusalOf(identity, action, plugin));
}

/** Whether the sender may see the params, results and errors of a plugin's operations. */
export function maySeeParams(exchange: Exchange, plugin: string): boolean {
  const { identity } = exchange;
  if (may(exchange, "control", plugin)) return true;
  // Where nobody is asked who he is, whoever comes may call.
  return identity === null || identity.may("call", plugin) || identity.may("enqueue", plugin);
}

/** Who it is, for the audit log. */
export function actorOf({ identity, place }: Exchange): Actor {
  const name = identity?.name ?? "";
  return { by: "http", name: name === "" ? null : name, address: place.address, uid: null };
}
