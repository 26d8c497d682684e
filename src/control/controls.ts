import type { JsonObject } from "../plugin.ts";
import type { Actor } from "./actor.ts";
import { CONTROL_COMMANDS } from "./control_commands.ts";
import { ControlRequest } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";
import { perform } from "./perform.ts";

/** What can be done to a server, for whoever has no connection to it. */
export class Controls {
  constructor(readonly target: ControlTarget) {}

  /**
   * Does what a control command says, in somebody's name, and notes it. Rejects with ControlRefusal where it is not done.
   *
   * @param name that of a command that there is
   */
  perform(name: string, values: JsonObject, actor: Actor): Promise<JsonObject> {
    const command = CONTROL_COMMANDS.get(name);
    if (command === undefined) throw new TypeError(`there is no control command ${name}`);
    return perform(this.target, name, command, new ControlRequest(values), actor);
  }
}
