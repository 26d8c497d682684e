import { assert } from "@std/assert";
import type { Runs } from "../../bench/crash/runs.ts";
import { type ControlClient, RefusedError } from "../../src/cli/control/client.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { Look } from "./operation.ts";

/** More than a history leaves. */
const ALL = 1000;
/** The tag of operations that belong to no history. */
export const MARK = 0;

/** What an operator asks of one plugin, over a control socket. */
export class PluginWatch {
  /** At the last look there was a dead letter that belongs to no history. */
  hasMarks = false;

  constructor(readonly control: ControlClient, readonly plugin: string, readonly runs: Runs) {}

  async ask(request: JsonObject): Promise<JsonObject> {
    return await this.control.call({ ...request, plugin: this.plugin }) as JsonObject;
  }

  /** The same; null where it is refused. */
  async unlessRefused(request: JsonObject): Promise<JsonObject | null> {
    try {
      return await this.ask(request);
    } catch (error) {
      if (error instanceof RefusedError) return null;
      throw error;
    }
  }

  async figures(): Promise<JsonObject> {
    const { plugins } = await this.control.call({ command: "stats" }) as JsonObject;
    const found = listOf(plugins).find(({ name }) => name === this.plugin);
    assert(found !== undefined, `the server has no plugin ${this.plugin}`);
    return found;
  }

  /** What has not ended comes first: what has ended by then has left its traces in what follows. */
  async look(): Promise<Look> {
    const { operations, total } = await this.ask({ command: "peek", limit: ALL });
    const open = listOf(operations).map(({ id, state, params }) => {
      return { id: Number(id), state: String(state), tag: tagOf(params) };
    });
    const { dead } = await this.ask({ command: "peek", dead: true, limit: ALL });
    const letters = listOf(dead).map(({ id, error, params }) => {
      return { id: Number(id), error: String(error), tag: tagOf(params) };
    });
    const figures = await this.figures();
    const isWhole = open.length === total;
    const { begun } = this.runs.read();
    const isOfHistory = ({ tag }: { readonly tag: number }) => tag !== MARK;
    this.hasMarks = !letters.every(isOfHistory);
    return {
      figures,
      open: open.filter(isOfHistory),
      isWhole,
      letters: letters.filter(isOfHistory),
      begun: begun.filter((tag) => tag !== MARK),
    };
  }
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  assert(Array.isArray(value));
  return value as JsonObject[];
}

function tagOf(params: JsonValue | undefined): number {
  return Number((params as JsonObject)["tag"]);
}
