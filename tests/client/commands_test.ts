import { assertEquals } from "@std/assert";
import type { CommandOf, InputOf, ResultOf } from "../../src/client/commands.ts";
import type { JsonObject, JsonValue, Plugin, PluginFactory } from "../../src/plugin.ts";
import type orders from "../support/orders_plugin.ts";

type Orders = typeof orders;
/** `true` where the two are one type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** Each line holds a type to what is expected of it, when types are checked. */
const SAME: readonly true[] = [
  same<CommandOf<Orders>, 1001 | 1002 | 1003 | 1004 | 1005 | 1006 | 1007 | 1008>(),
  same<InputOf<Orders, 1001>, { uid: number; note?: string }>(),
  same<InputOf<Orders, 1004>, JsonObject>(),
  same<ResultOf<Orders, 1001>, { order: string; note: string }>(),
  same<ResultOf<Orders, 1002>, never>(),
  same<ResultOf<Orders, 1003>, { twice: number }>(),
  same<ResultOf<Orders, 1004>, number>(),
  same<ResultOf<Orders, 1005>, JsonValue | undefined>(),
  same<ResultOf<Orders, 1006>, undefined>(),
  same<ResultOf<Orders, 1007>, JsonObject>(),
  // The whole module, and a factory.
  same<ResultOf<typeof import("../support/orders_plugin.ts"), 1004>, number>(),
  same<ResultOf<() => Promise<Orders>, 1004>, number>(),
  // Where nothing is known of the commands, everything is allowed.
  same<CommandOf<Plugin>, number>(),
  same<InputOf<Plugin, 1001>, JsonObject>(),
  same<ResultOf<Plugin, 1001>, JsonValue | undefined>(),
  same<CommandOf<PluginFactory>, number>(),
];

function same<A, B>(..._isSame: Same<A, B> extends true ? [] : [never]): true {
  return true;
}

Deno.test("the types of a plugin's commands come from its module", () => {
  assertEquals(SAME.includes(true), true);
});
