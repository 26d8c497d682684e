import { readOnlyBeneath } from "./landlock.ts";
import type { ReadablePlace } from "../ring/messages.ts";

/**
 * Gives up reading all but these places, and then the permission to load libraries, which the worker was let have for that
 * alone. Throws where either cannot be: the worker is not to run a plugin then.
 *
 * The executable's Deno asks for no permission where code that was made at run time imports a module, or a `new Worker`
 * runs one. The kernel does.
 */
export function confine(places: readonly ReadablePlace[]): void {
  readOnlyBeneath(places.map(({ path }) => path));
  if (Deno.permissions.revokeSync({ name: "ffi" }).state === "granted") {
    throw new Error("the worker's permission to load libraries cannot be taken back");
  }
}
