import type {
  BatchContext,
  BatchResults,
  Context,
  JsonObject,
  JsonValue,
  Plugin,
  PluginContext,
  PluginSettings,
  Result,
} from "mevent/plugin";
import { isExactNumber } from "../src/exact_number.ts";
import { type Tools, writeOperations } from "./sql/batch.ts";
import { Catalogue, NotAllowed } from "./sql/catalogue.ts";
import type { Change, Outcome } from "./sql/change.ts";
import { DatabaseError, isFault } from "./sql/database.ts";
import { Ledger } from "./sql/ledger.ts";
import { isLost, Link } from "./sql/link.ts";
import { readSettings } from "./sql/settings.ts";
import { TimeLimit } from "./sql/time_limit.ts";
import { OutcomeUnknown, OutOfTime, Writer } from "./sql/writer.ts";

/** The database refuses the row, or the statement with these params. */
const REFUSED = 40;
/** It may be written, or not. */
const UNKNOWN = 41;
/** After so long, an operation whose database cannot be reached tries anew, and one that takes too long after twice as long each time; in ms. */
const AGAIN_MS = 1000;
const MAX_AGAIN_MS = 60_000;
/** What a look at the connection may take, in ms: writes wait meanwhile. */
const HEALTH_MS = 5000;

/** Writes into databases, many operations in one transaction, and reads from them. */
export default function sql({ name, config }: PluginSettings): Plugin {
  const settings = readSettings(config);
  const { dialect } = settings.database;
  const turns = new Turns();
  const ledger = settings.exactlyOnce && dialect.ledger !== null ? new Ledger(dialect.ledger) : null;
  let open: Tools | undefined;
  const opened = () => {
    if (open === undefined) throw new Error("the plugin has not been started");
    return open;
  };

  const batch = { max: settings.batch, wait: settings.wait };
  const writes = (changeOf: (operation: Context<unknown>) => Change) => ({
    batch,
    async runBatch(operations: readonly Context<unknown>[], context: BatchContext): Promise<BatchResults> {
      using limit = new TimeLimit(context.deadline, context.signal);
      const outcomes = await turns.take(() => writeOperations(operations, changeOf, opened(), limit));
      return operations.map((operation, index) => resultOf(operation, outcomes[index]));
    },
  });

  return {
    name,
    description: `writes to ${settings.database.place} in batches`,
    async start(context: PluginContext) {
      const link = new Link(settings.database, {
        lost: (why) => context.log.warn("the database is not reachable", { error: why }),
        reconnected: () => {
          context.stats.count("reconnects");
          context.log.info("the database is reachable again");
        },
      }, async (session) => {
        await ledger?.open(session);
      });
      const session = await link.open(async (first) => {
        await ledger?.create(first);
      });
      const catalogue = await Catalogue.load(session, settings);
      const { stats } = context;
      const writer = new Writer(link, ledger, {
        committed(rows) {
          stats.count("batches");
          stats.count("rows", rows);
        },
        retried: () => stats.count("transactions_retried"),
        refused: (changes) => stats.count("poison_rows", changes),
      }, catalogue);
      if (session.remark !== undefined) context.log.info(session.remark);
      open = { link, writer, catalogue };
    },
    async stop() {
      const { link } = opened();
      const session = link.current;
      // Where it cannot be told any more, the row is swept away some day.
      if (session !== null) await ledger?.close(session).catch(() => {});
      await link.close();
    },
    async health({ signal }) {
      const { link } = opened();
      // Who is at work is alive, or will say so.
      if (turns.isTaken) {
        if (link.failure !== undefined) throw new Error(link.failure);
        return;
      }
      await turns.take(async () => {
        using limit = new TimeLimit(Date.now() + HEALTH_MS, signal);
        const session = await link.session(limit);
        // A connection that has gone mute holds up nobody's turn for longer.
        using _ = limit.destroys(session);
        try {
          await session.ping();
        } catch (error) {
          if (isLost(error)) link.drop(session, error);
          throw error;
        }
      });
    },
    commands: {
      1001: {
        name: "insert",
        description: "inserts `row`, or all of `rows`, into `table`",
        ...writes((operation) =>
          opened().catalogue.insert(
            operation.params.string("table"),
            rowsOf(operation.params.exact()),
            operation,
          )
        ),
      },
      1002: {
        name: "execute",
        description: "runs the statement of the config named `statement` with `params`",
        ...writes((operation) =>
          opened().catalogue.execute(
            operation.params.string("statement"),
            objectOf(operation.params.exact("params", {})),
            operation,
          )
        ),
      },
      1003: {
        name: "query",
        description: "reads with the query of the config named `query` with `params`",
        idempotent: true,
        async run(context) {
          const { catalogue, link } = opened();
          try {
            const { params } = context;
            const { statement, row } = catalogue.query(
              params.string("query"),
              objectOf(params.exact("params", {})),
              context,
            );
            using limit = new TimeLimit(context.deadline, context.signal);
            return await turns.take(async () => {
              const session = await link.session(limit);
              using _ = limit.destroys(session);
              try {
                const { rows, more } = await session.read(statement, row, settings.maxRows);
                return { rows, more };
              } catch (error) {
                if (isLost(error)) link.drop(session, error);
                throw error;
              }
            });
          } catch (error) {
            throw asFailure(context, error);
          }
        },
      },
    },
  };
}

function resultOf(operation: Context<unknown>, outcome: Outcome | undefined): Result | Error {
  return typeof outcome === "number" ? { rows: outcome } : asFailure(operation, outcome);
}

/**
 * What is answered for an error: with a code of the plugin's own where it would fail again. What could not be written for no
 * fault of its own gets in line again; a sync caller, who has waited long enough, is told.
 */
function asFailure(operation: Context<unknown>, error: unknown): Error {
  if (error instanceof NotAllowed) return operation.fail(error.code, error.message, { retry: false });
  if (error instanceof OutcomeUnknown) return operation.fail(UNKNOWN, error.message, { retry: false });
  if (isFault(error, "row")) return operation.fail(REFUSED, error.message, { retry: false });
  if (error instanceof DatabaseError && !operation.sync) {
    const tries = error instanceof OutOfTime ? Math.min(error.tries, 10) : 0;
    return operation.later(Math.min(MAX_AGAIN_MS, AGAIN_MS * 2 ** tries), error.message);
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** `row`, or `rows`: a list, which callers that speak HDF may have made a table of 0, 1, 2 … */
function rowsOf({ row, rows }: JsonObject): readonly JsonValue[] {
  if ((row === undefined) === (rows === undefined)) throw new NotAllowed("give either row or rows");
  if (row !== undefined) return [row];
  if (Array.isArray(rows)) return rows;
  if (typeof rows === "object" && rows !== null && !isExactNumber(rows)) {
    return Object.values(rows) as JsonValue[];
  }
  throw new NotAllowed("rows is to be a list of objects");
}

function objectOf(value: JsonValue): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value)) {
    return value;
  }
  throw new NotAllowed("params is to be an object: the values by their names");
}

/** Throws where the server, or SQLite's file, is not granted. */
export function checkGrants({ config }: PluginSettings): void {
  readSettings(config).database.requireGrants();
}

/** Lets those who share a connection use it one after the other. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #taken = 0;

  get isTaken(): boolean {
    return this.#taken > 0;
  }

  /** Does the work when all before it is done. */
  take<T>(work: () => Promise<T>): Promise<T> {
    this.#taken++;
    const turn = this.#last.then(work).finally(() => this.#taken--);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
