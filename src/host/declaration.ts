import type { Plugin, StandardSchema } from "../plugin.ts";
import type { HostSetup, PluginDeclaration } from "../ring/messages.ts";
import type { BatchBounds } from "./batch.ts";
import { jsonSchemaOf } from "./params_form.ts";
import { exampleParams } from "./params_example.ts";
import { scheduleOf } from "./schedule.ts";

/**
 * What the main thread is told of a plugin.
 *
 * @param batches the bounds of its batch commands, by number
 */
export function declarationOf(
  plugin: Plugin,
  setup: Pick<HostSetup, "biz" | "concurrency" | "first">,
  batches: ReadonlyMap<number, BatchBounds>,
): PluginDeclaration {
  const { commands, timers = [] } = plugin;
  const schema = setup.first ? Object.values(commands)[0]?.params : undefined;
  return {
    biz: setup.biz ?? plugin.biz,
    description: plugin.description ?? "",
    concurrency: setup.concurrency ?? plugin.concurrency ?? 1,
    commands: Object.entries(commands).map(([number, command]) => ({
      number: Number(number),
      name: command.name,
      description: command.description ?? "",
      idempotent: command.idempotent === true,
      batch: batches.get(Number(number)) ?? null,
      ...formOf(command.params),
    })),
    timers: timers.map((timer) => ({ name: timer.name, schedule: scheduleOf(timer).text })),
    example: schema === undefined ? null : exampleParams(schema),
    isStanding: timers.length > 0 || plugin.start !== undefined || plugin.health !== undefined,
  };
}

function formOf(params: StandardSchema | undefined): { readonly schema?: string } {
  const schema = params === undefined ? null : jsonSchemaOf(params);
  return schema === null ? {} : { schema };
}
