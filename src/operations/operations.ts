import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { OperationState } from "../router/operation_state.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import type { Router } from "../router/router.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ControlRefusal } from "./control_refusal.ts";
import { FailureChanges } from "./failure_changes.ts";
import { type FailureFilter, FailureGroups, type FailureLook, FailureScan } from "./failures.ts";
import { findOperation, type FoundOperation, generationOf } from "./find_operation.ts";
import { operationFacts } from "./operation_details.ts";
import { type OperationFilter, OperationMatcher } from "./operation_filter.ts";
import type { RowMaker } from "./operation_row.ts";
import { OperationScan } from "./operation_scan.ts";
import { OwnRequests } from "./own_requests.ts";
import { parsePosition, positionText } from "./scan_position.ts";
import { Slices } from "./slices.ts";
import { UndoFiles } from "./undo_files.ts";
import type { FailureList, OperationFacts, OperationList } from "./told.ts";

/** The most rows of one look, and where nothing is said. */
export const MAX_ROWS = 1000;
export const DEFAULT_ROWS = 100;
/** How far one look goes: records, bytes of params that a text is looked for in, ms of the thread's time. */
const MAX_RECORDS = 1_000_000;
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_TIME_MS = 500;

export interface OperationsParts {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  /** What counts now. */
  readonly limits: { readonly maxFrame: number };
  /** Where undo files lie; null where nothing says where. */
  readonly undoFolder: () => string | null;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** The time of day, in ms since 1970. */
  readonly clock: () => number;
}

/** An operation that somebody has named, as it is now. */
export interface NamedOperation {
  readonly id: string;
  readonly number: number;
  readonly plugin: RoutedPlugin;
  readonly found: FoundOperation;
}

/** Looks through what plugins have of their operations, and at single ones. Throws ControlRefusal. */
export class Operations {
  readonly slices: Slices;
  readonly changes: FailureChanges;
  /** Sends what somebody who runs the server wants sent. */
  readonly requests: OwnRequests;

  constructor(readonly parts: OperationsParts) {
    const { router, routes, limits, undoFolder, now, clock } = parts;
    this.slices = new Slices(now);
    this.requests = new OwnRequests(router, routes, limits);
    this.changes = new FailureChanges({
      slices: this.slices,
      files: new UndoFiles(undoFolder),
      now,
      clock,
      zeroOf: (plugin) => this.zeroOf(plugin),
      plugin: (name) => router.options.registry.named(name),
    });
  }

  /** @param after where the look before has ended; "" is the beginning */
  async list(
    plugin: RoutedPlugin,
    filter: OperationFilter,
    limit: number,
    after: string,
    seesParams: boolean,
  ): Promise<OperationList> {
    const from = after === "" ? null : parsePosition(after);
    if (from === null && after !== "") {
      throw new ControlRefusal("after is none of the texts that an answer has as next", "wrong");
    }
    const bounds = { rows: limit, records: MAX_RECORDS, bytes: MAX_BYTES, time: MAX_TIME_MS };
    const maker = this.maker(plugin, seesParams);
    const scan = new OperationScan(plugin, new OperationMatcher(filter), bounds, maker, this.parts.now, from);
    await this.slices.run((until) => scan.step(until));
    return {
      plugin: plugin.name,
      operations: scan.rows,
      next: scan.position === null ? null : positionText(scan.position),
      looked_at: scan.lookedAt,
      truncated: scan.isCut,
      on_disk_alone: plugin.queue.durability?.spilled ?? 0,
    };
  }

  /** The dead letters of those plugins that match, by their causes. */
  async failures(
    plugins: readonly RoutedPlugin[],
    filter: FailureFilter,
    seesMessages: (plugin: string) => boolean,
  ): Promise<FailureList> {
    const groups = new FailureGroups((plugin) => this.zeroOf(plugin), seesMessages);
    const scan = new FailureScan(this.look(plugins, filter), (matched, cause) => {
      groups.add(matched, cause);
      return true;
    });
    await this.slices.run((until) => scan.step(until));
    return {
      groups: groups.groups,
      looked_at: scan.lookedAt,
      truncated: scan.isCut || groups.leftOut > 0,
      left_out: groups.leftOut,
    };
  }

  /** What a look for failures begins with: those plugins, or the one that the filter names. Throws ControlRefusal. */
  look(plugins: readonly RoutedPlugin[], filter: FailureFilter): FailureLook {
    const named = filter.plugin === null ? null : this.parts.router.options.registry.named(filter.plugin);
    if (filter.plugin !== null && named === null) {
      throw new ControlRefusal(`there is no plugin ${JSON.stringify(filter.plugin.slice(0, 80))}`, "unknown");
    }
    const wanted = named === null ? plugins : plugins.filter((plugin) => plugin === named);
    return { now: this.parts.now, zeroOf: (plugin) => this.zeroOf(plugin), plugins: wanted, filter };
  }

  get plugins(): readonly RoutedPlugin[] {
    return this.parts.router.options.registry.plugins;
  }

  /** All that is known of an operation. */
  details(operation: NamedOperation, seesParams: boolean): OperationFacts {
    const { plugin, id, number, found } = operation;
    return operationFacts(this.maker(plugin, seesParams), id, number, found);
  }

  /**
   * The operation with that id, as everybody knows it. Its record lies where it is until the turn is over.
   *
   * @param mayKnow of which plugins' operations the sender may know; those of others are unknown to him
   */
  named(id: string, mayKnow?: (plugin: string) => boolean): NamedOperation {
    const { states } = this.parts.router;
    const state = mayKnow === undefined ? states.state(id) : states.stateWhere(mayKnow, id);
    if (!(state instanceof OperationState)) {
      throw new ControlRefusal(state.message, state.code === ReplyCode.BadParam ? "wrong" : "unknown");
    }
    const { plugin, number } = state;
    const found = findOperation(plugin, number, this.parts.now());
    if (found === null) throw new ControlRefusal(`nothing is known of operation ${id} any more`, "unknown");
    return { id, number, plugin, found };
  }

  /** The name of the plugin of that operation; null where nobody knows that operation. */
  pluginOf(id: string): string | null {
    const state = this.parts.router.states.state(id);
    return state instanceof OperationState ? state.plugin.name : null;
  }

  /** The operation where it has that generation still. */
  unchanged(id: string, generation: string): NamedOperation {
    const named = this.named(id);
    const now = generationOf(named.found);
    if (now === generation) return named;
    throw new ControlRefusal(
      `operation ${id} has changed: it was ${generation} and is ${now}; look at it again`,
    );
  }

  maker(plugin: RoutedPlugin, seesParams: boolean): RowMaker<RoutedPlugin> {
    return { plugin, seesParams, now: this.parts.now(), zero: this.zeroOf(plugin) };
  }

  /** What monotonic times of a plugin count from, in ms since 1970. */
  zeroOf(plugin: RoutedPlugin): number {
    return this.parts.router.states.zeroOf(plugin);
  }
}
