import type { JsonObject } from "../plugin.ts";
import type { ControlRequest } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

/** One thing that may be asked of a running server, over a control socket and over HTTP. */
export interface ControlCommand {
  /** The keys that its request may have besides `command`; what changes something takes `dry_run`, too. */
  readonly keys: readonly string[];
  /** It changes something, and is noted. With `dry_run` it tells what it would do, by the same members, and does nothing. */
  readonly changes: boolean;
  /** What is noted of its answer; all of it where nothing is said. */
  noted?(result: JsonObject): JsonObject;
  /** What is told while it goes on. */
  progress?(target: ControlTarget): JsonObject;
  /** Does it; throws ControlRefusal where it is not done. */
  run(target: ControlTarget, request: ControlRequest): JsonObject | Promise<JsonObject>;
}
