import type { Context } from "mevent/plugin";
import { Altered, type Catalogue, NotOfTable } from "./catalogue.ts";
import type { Change, Outcome } from "./change.ts";
import type { Link } from "./link.ts";
import type { TimeLimit } from "./time_limit.ts";
import type { Writer } from "./writer.ts";

/** What a batch is written with. */
export interface Tools {
  readonly link: Link;
  readonly writer: Writer;
  readonly catalogue: Catalogue;
}

/**
 * Writes what operations ask for; returns the outcome of each, in their order. What was made for a table that is another one by now is
 * made anew.
 *
 * @param changeOf what an operation asks for; throws NotAllowed
 */
export async function writeOperations(
  operations: readonly Context<unknown>[],
  changeOf: (operation: Context<unknown>) => Change,
  { link, writer, catalogue }: Tools,
  limit: TimeLimit,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  /** Those that are still to be written, by their places. */
  let open = [...operations.keys()];
  for (let isFirst = true; open.length > 0; isFirst = false) {
    const changes: Change[] = [];
    const places: number[] = [];
    const looked = new Map<string, boolean>();
    const make = (index: number) => {
      const change = changeOf(operations[index] as Context<unknown>);
      changes.push(change);
      places.push(index);
    };
    for (const index of open) {
      try {
        make(index);
      } catch (error) {
        outcomes[index] = error as Error;
        if (!(error instanceof NotOfTable)) continue;
        // It may have been altered since: one look for each table.
        const hasChanged = looked.get(error.table) ?? await refreshed(error.table, link, catalogue, limit);
        looked.set(error.table, hasChanged);
        if (!hasChanged) continue;
        try {
          make(index);
        } catch (second) {
          outcomes[index] = second as Error;
        }
      }
    }
    const written = changes.length === 0 ? [] : await writer.write(changes, limit);
    open = [];
    for (let at = 0; at < places.length; at++) {
      const [index, outcome] = [places[at]!, written[at]!];
      outcomes[index] = outcome;
      if (outcome instanceof Altered && !limit.isOver && isFirst) open.push(index);
    }
  }
  return outcomes;
}

/** Whether the table has changed; false where the database does not tell. */
async function refreshed(
  table: string,
  link: Link,
  catalogue: Catalogue,
  limit: TimeLimit,
): Promise<boolean> {
  const session = await link.session(limit);
  using _ = limit.destroys(session);
  try {
    return await catalogue.refresh(session, table);
  } catch (error) {
    link.drop(session, error);
    return false;
  }
}
