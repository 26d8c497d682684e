import { parseJson } from "../exact_json.ts";
import type { Route } from "../http/route.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonRoute } from "./json_route.ts";
import { COUNT, listOf, tableOf, TEXT } from "./schemas.ts";

/** What a plugin's commands take, for a form. */
export function schemaRoute({ target }: Pick<AdminParts, "target">): Route {
  return jsonRoute({
    path: "/api/v1/plugins/{plugin}/schema",
    operationId: "pluginSchema",
    summary: "The commands of a plugin and what params they take",
    parameters: [{ name: "plugin", in: "path", required: true, schema: TEXT }],
    schema: tableOf({
      plugin: TEXT,
      commands: listOf(tableOf({ number: COUNT, name: TEXT, description: TEXT, schema: {}, example: {} })),
    }),
    right: "stats",
    answer(_, __, [name = ""]) {
      const plugin = target.pluginOf(name);
      const { commands = [], example = null } = plugin.pool.declaration ?? {};
      return {
        plugin: plugin.name,
        commands: commands.map(({ number, name, description, schema }, index) => ({
          number,
          name,
          description,
          schema: schema === undefined ? null : parseJson(schema),
          example: index > 0 || example === null ? null : parseJson(example),
        })),
      };
    },
  });
}
