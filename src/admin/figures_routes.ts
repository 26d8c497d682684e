import { HttpError } from "../http/http_error.ts";
import type { Route } from "../http/route.ts";
import type { JsonObject } from "../plugin.ts";
import { COARSE, FINE } from "../observe/history_track.ts";
import { SERIES } from "../observe/history_ring.ts";
import type { AdminParts } from "./admin_parts.ts";
import type { History } from "./api.ts";
import { wholeNumber } from "./audit_route.ts";
import { jsonRoute } from "./json_route.ts";
import { ANY_OBJECT, COUNT, FLAG, listOf, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";
import type { Told } from "./told.ts";

const SERIES_SCHEMA = listOf({ type: ["number", "null"] });

/** The figures of the last hour, and of one plugin in detail. */
export function figuresRoutes({ figures }: Pick<AdminParts, "figures">): Route[] {
  return [
    jsonRoute({
      path: "/api/v1/history",
      operationId: "history",
      summary: "The last hour, and the last five minutes of it by the second",
      parameters: [
        { name: "plugin", in: "query", schema: TEXT, description: "Of that plugin alone" },
        {
          name: "after",
          in: "query",
          schema: COUNT,
          description: "Points that end at that time or later alone, in ms since 1970",
        },
      ],
      schema: tableOf(
        { plugin: orNull(TEXT), fine: partSchema(FINE.points), coarse: partSchema(COARSE.points) },
        { plugins: { type: "object", additionalProperties: SPARK_SCHEMA } },
      ),
      right: "stats",
      answer: (_, { query }) =>
        historyOf(figures, query.get("plugin"), wholeNumber(query, "after", 0, 0, 1e15)),
    }),
    jsonRoute({
      path: "/api/v1/plugins/{plugin}",
      operationId: "plugin",
      summary: "A plugin in detail: its code, workers, commands and limits",
      parameters: [{ name: "plugin", in: "path", required: true, schema: TEXT }],
      schema: DETAILS_SCHEMA,
      right: "stats",
      answer(_, __, [plugin]) {
        const details = figures.details(plugin!);
        if (details === null) throw new HttpError(404, `there is no plugin ${JSON.stringify(plugin)}`);
        return details;
      },
    }),
  ];
}

function historyOf({ history }: AdminParts["figures"], plugin: string | null, after: number): Told<History> {
  if (history === null) {
    throw new HttpError(
      409,
      "this server keeps no history yet: one second after its start, and where history of [server] is true",
    );
  }
  const figures = history.figures(plugin, after);
  if (figures === null) throw new HttpError(404, `there is no plugin ${JSON.stringify(plugin)}`);
  return figures;
}

const SPARK_SCHEMA = tableOf({
  step_ms: COUNT,
  end_at: NUMBER,
  done_per_second: SERIES_SCHEMA,
  failed_per_second: SERIES_SCHEMA,
});

function partSchema(most: number): JsonObject {
  return tableOf({
    step_ms: COUNT,
    end_at: NUMBER,
    points: { type: "integer", minimum: 0, maximum: most },
    series: tableOf(Object.fromEntries(SERIES.map((name) => [name, SERIES_SCHEMA]))),
  });
}

const DETAILS_SCHEMA = tableOf({
  name: TEXT,
  description: TEXT,
  essential: FLAG,
  version: tableOf({ hash: orNull(TEXT), module: TEXT, since_at: NUMBER }),
  bound: tableOf({
    ops: COUNT,
    max_ops: COUNT,
    bytes: COUNT,
    max_bytes: COUNT,
    full_in_ms: orNull(COUNT),
  }),
  workers: listOf(tableOf({
    index: COUNT,
    state: { enum: ["starting", "running", "retiring", "failing", "stopping"] },
    isolation: { enum: ["worker", "process"] },
    pid: orNull(COUNT),
    memory_bytes: orNull(COUNT),
    since_at: NUMBER,
    holds: COUNT,
    answered: COUNT,
    problem: orNull(TEXT),
  })),
  commands: listOf(tableOf({
    number: orNull(COUNT),
    name: TEXT,
    description: TEXT,
    idempotent: FLAG,
    batch_max: orNull(COUNT),
    done: COUNT,
    failed: COUNT,
    refused: COUNT,
    wait_p50_us: COUNT,
    wait_p99_us: COUNT,
    run_p50_us: COUNT,
    run_p99_us: COUNT,
    schema: orNull(ANY_OBJECT),
    example: {},
  })),
  timers: listOf(tableOf({ name: TEXT, schedule: TEXT })),
  limits: listOf(tableOf({
    key: TEXT,
    value: { type: ["string", "number"] },
    amount: NUMBER,
    unit: { enum: ["ms", "bytes", "count"] },
    live: FLAG,
    edited: FLAG,
    description: TEXT,
  })),
  results_keep_ms: COUNT,
  durability: { enum: ["memory", "journal"] },
});
