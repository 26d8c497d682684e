import type { Log } from "../observe/log.ts";
import { BodyView, type Encoding, encodingAt } from "../protocol/body.ts";
import { readU16, readU32 } from "../protocol/bytes.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { errorBody } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import {
  FLAG_ID,
  FLAG_SYNC,
  MAX_REQUEST_ID,
  MIN_REQUEST_BYTES,
  REQUEST_HEADER_BYTES,
  VERSION,
} from "../protocol/request.ts";
import { LaneId } from "../queue/operation_queue.ts";
import type { Durability } from "../queue/durability.ts";
import { type Addressee, blankOperation, type Operation } from "../queue/record.ts";
import { acceptedBody } from "./accepted_answer.ts";
import type { Caller } from "./caller.ts";
import { Duplicates } from "./duplicates.ts";
import type { ForwardTable } from "./forward_table.ts";
import { Gate } from "./gate.ts";
import { OperationStates } from "./operation_states.ts";
import { countLimit, refuse, ServerAnswers, type ServerAnswersOptions } from "./server_answers.ts";
import { LAST_SYSTEM_COMMAND, type RoutedPlugin } from "./routed_plugin.ts";
import type { RequestOptions } from "./request_options.ts";

export interface RouterOptions extends ServerAnswersOptions {
  readonly log: Log;
  /** Of names that no plugin has. */
  readonly forwards: ForwardTable;
}

/**
 * Takes messages as they come from the sockets and decides, in this order: is it legal (17, 15), may its caller
 * have it done (13, 21), is there such a plugin (18), has its queue room (21), has it the command (18). What passes is in the queue; the params are looked at
 * by the worker (23).
 */
export class Router {
  /**
   * Whose operations are accepted: a server that stops takes those of plugins alone, so that what is queued can be worked
   * off, and in the end none.
   */
  intake: "all" | "plugins" | "none" = "all";
  readonly #view: BodyView;
  readonly #operation: Operation = blankOperation();
  readonly #addressee = { routeSlot: 0, routeGeneration: 0, requestId: 0, encoding: 0, wantsId: false };
  /** The caller of the message that is being handled is to be told the operation's id where it is async. */
  #wantsId = false;
  /** Where operations are and what they came to, by their ids. */
  readonly states: OperationStates;
  readonly #serverAnswers: ServerAnswers;
  readonly #gate: Gate;
  #touched: RoutedPlugin[] = [];

  constructor(readonly options: RouterOptions) {
    this.#view = new BodyView(options.contentLimits);
    const { registry, now } = options;
    this.states = new OperationStates({ plugins: () => registry.holders, now, clock: Date.now });
    this.#serverAnswers = new ServerAnswers(options, this.#view, this.states);
    this.#gate = new Gate(options, this.#view);
  }

  /**
   * Handles one message; "close" where its connection must end once it has been answered. Whatever goes wrong in here
   * ends one connection, never the server.
   *
   * @param now the time, read not long ago; monotonic, in ms
   */
  handleContained(
    caller: Caller,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: number,
  ): "keep" | "close" {
    try {
      return this.#handle(caller, bytes, at, length, now);
    } catch (error) {
      this.options.log.error("a message met an error of the server's own; its connection is closed", {
        error: error instanceof Error ? error.stack ?? error.message : String(error),
      });
      return "close";
    }
  }

  #handle(caller: Caller, bytes: Uint8Array, at: number, length: number, now: number): "keep" | "close" {
    const { counters, registry } = this.options;
    const id = length >= 4 ? readU32(bytes, at) & MAX_REQUEST_ID : 0;
    if (length < MIN_REQUEST_BYTES) {
      counters.brokenRequests++;
      caller.refuse(id, ReplyCode.Broken, null);
      return "close";
    }
    if (bytes[at]! >>> 4 !== VERSION) {
      counters.versionMismatches++;
      caller.refuse(id, ReplyCode.Version, null);
      return "close";
    }
    const flags = readU16(bytes, at + 6);
    const sync = (flags & FLAG_SYNC) !== 0;
    this.#wantsId = (flags & FLAG_ID) !== 0;
    const nameAt = at + REQUEST_HEADER_BYTES;
    const nameLength = readU32(bytes, at + 8);
    const end = at + length;
    const view = this.#view;
    if (nameLength > end - nameAt) {
      counters.brokenRequests++;
      refuse(caller, sync, id, ReplyCode.Broken, null);
      return "keep";
    }
    if (caller.identity !== null) {
      const verdict = this.#gate.look(caller, caller.identity, sync, id, bytes, at, nameLength, end, now);
      if (verdict !== "pass") return verdict;
    }
    try {
      view.locate(bytes, nameAt + nameLength, end);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      counters.brokenRequests++;
      countLimit(this.options.limitLog, error);
      refuse(caller, sync, id, error.code, errorBody(view.encoding, error.code, error.message));
      return "keep";
    }
    const plugin = registry.find(bytes, nameAt, nameLength);
    if (plugin === null) {
      const forwarder = this.options.forwards.find(bytes, nameAt, nameLength);
      if (forwarder !== null) {
        forwarder.forward(caller, sync, id, bytes, at, length);
        return "keep";
      }
      this.#serverAnswers.answerReserved(caller, sync, id, bytes, nameAt, nameLength);
      return "keep";
    }
    const command = readU16(bytes, at + 4);
    if (command <= LAST_SYSTEM_COMMAND) {
      this.#serverAnswers.runSystemCommand(caller, sync, id, plugin, command, bytes);
      return "keep";
    }
    const isStopping = this.intake === "none" || (this.intake === "plugins" && caller.hops === 0);
    if (isStopping || !plugin.queue.admits(view.length)) {
      counters.busy++;
      plugin.busy++;
      const body = isStopping ? stoppingBody(view.encoding) : plugin.busyBody(view.encoding);
      if (sync || caller.asyncReply) caller.answer(id, ReplyCode.Busy, body);
      return "keep";
    }
    const { durability } = plugin.queue;
    const problem = durability === null || sync ? null : durability.refusal(view.length);
    if (problem !== null) {
      counters.busy++;
      plugin.busy++;
      this.options.limitLog.reached("journal", { plugin: plugin.name });
      if (caller.asyncReply) {
        caller.answer(id, ReplyCode.Busy, errorBody(view.encoding, ReplyCode.Busy, problem));
      }
      return "keep";
    }
    if (!plugin.hasCommand(command)) {
      this.#serverAnswers.refuseCommand(caller, sync, id, plugin, command);
      return "keep";
    }
    if (plugin.requestOptions === null) this.#accept(caller, sync, id, plugin, command, bytes, now);
    else this.#acceptWithOptions(plugin.requestOptions, caller, sync, id, plugin, command, bytes, now);
    return "keep";
  }

  /** Answers a message that is not read any further, of which at least the flags have come, 17 with that sentence. */
  refuseUnread(caller: Caller, bytes: Uint8Array, at: number, length: number, message: string): void {
    this.options.counters.brokenRequests++;
    const id = readU32(bytes, at) & MAX_REQUEST_ID;
    const sync = (readU16(bytes, at + 6) & FLAG_SYNC) !== 0;
    const bodyAt = at + REQUEST_HEADER_BYTES +
      (length < REQUEST_HEADER_BYTES ? length : readU32(bytes, at + 8));
    const encoding = encodingAt(bytes, bodyAt, at + length);
    refuse(caller, sync, id, ReplyCode.Broken, errorBody(encoding, ReplyCode.Broken, message));
  }

  /** Hands what was accepted since the last call to the workers. */
  dispatch(): void {
    for (const plugin of this.#touched) {
      plugin.touched = false;
      plugin.pool.dispatch();
    }
    this.#touched.length = 0;
  }

  #accept(
    caller: Caller,
    sync: boolean,
    id: number,
    plugin: RoutedPlugin,
    command: number,
    bytes: Uint8Array,
    now: number,
    delay = 0,
    keyed = false,
  ): void {
    const operation = this.#operation;
    const view = this.#view;
    operation.command = command;
    operation.encoding = view.encoding;
    operation.acceptedAt = now;
    operation.delay = delay;
    operation.keyed = keyed;
    operation.hops = caller.hops;
    operation.sync = sync;
    const { durability } = plugin.queue;
    if (durability !== null && !sync) {
      const due = delay > 0 ? now + delay : 0;
      durability.accept(operation, bytes, view.at, view.length, due, this.#addresseeOf(caller, id));
      return this.#touch(plugin);
    }
    if (sync) {
      operation.requestId = id;
      operation.routeSlot = caller.openRoute();
      operation.routeGeneration = caller.routeGeneration;
    }
    const part = plugin.partOf(view.encoding, bytes, view.at, view.length);
    plugin.accepted++;
    if (delay > 0) {
      plugin.queue.putDelayed(part, LaneId.Async, operation, bytes, view.at, view.length, now + delay);
      plugin.pool.delayed();
    } else plugin.queue.put(part, sync ? LaneId.Sync : LaneId.Async, operation, bytes, view.at, view.length);
    this.#touch(plugin);
    if (!sync && caller.asyncReply) this.#accepted(caller, id, plugin, operation.id, now);
  }

  /** Tells an async caller that its operation is queued, or as good as that. */
  #accepted(caller: Caller, id: number, plugin: RoutedPlugin, operation: number, acceptedAt: number): void {
    const isTold = this.#wantsId && !Number.isNaN(acceptedAt);
    caller.answer(
      id,
      ReplyCode.Ok,
      isTold ? acceptedBody(this.#view.encoding, plugin, operation, acceptedAt) : null,
    );
  }

  #touch(plugin: RoutedPlugin): void {
    if (plugin.touched) return;
    plugin.touched = true;
    this.#touched.push(plugin);
  }

  /** Who is to be told later of an async request; null where nobody is. */
  #addresseeOf(caller: Caller, id: number): Addressee | null {
    if (!caller.asyncReply) return null;
    const addressee = this.#addressee;
    addressee.requestId = id;
    addressee.routeSlot = caller.openRoute();
    addressee.routeGeneration = caller.routeGeneration;
    addressee.encoding = this.#view.encoding;
    addressee.wantsId = this.#wantsId;
    return addressee;
  }

  /** Answers an async request with the key of an operation that has not ended: when that is kept. */
  #share(
    durability: Durability,
    caller: Caller,
    id: number,
    plugin: RoutedPlugin,
    command: number,
    bytes: Uint8Array,
    now: number,
    key: string,
  ): void {
    const view = this.#view;
    const { operation, acceptedAt, sync } = plugin.dedup.pendingOf(key);
    if (durability.isSafe(operation, sync)) {
      const own = sync ? durability.standIn(operation)! : { id: operation, acceptedAt };
      if (caller.asyncReply) this.#accepted(caller, id, plugin, own.id, own.acceptedAt);
      return;
    }
    const to = this.#addresseeOf(caller, id);
    if (!sync) return durability.share(operation, to);
    const { encoding, at, length } = view;
    const own = { command, encoding, acceptedAt: now, keyed: true, hops: caller.hops };
    durability.shareSync(operation, { ...blankOperation(), ...own }, bytes, at, length, to);
    this.#touch(plugin);
  }

  /** The same where the caller may have asked for a delay, or given a key. */
  #acceptWithOptions(
    options: RequestOptions,
    caller: Caller,
    sync: boolean,
    id: number,
    plugin: RoutedPlugin,
    command: number,
    bytes: Uint8Array,
    now: number,
  ): void {
    const { encoding, at, length } = this.#view;
    try {
      options.read(encoding, bytes.subarray(at, at + length), sync);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      plugin.badOptions++;
      return refuse(caller, sync, id, error.code, errorBody(encoding, error.code, error.message));
    }
    const { duplicates } = plugin;
    if (duplicates === null || options.key === null) {
      return this.#accept(caller, sync, id, plugin, command, bytes, now, options.delay);
    }
    const key = Duplicates.keyOf(command, options.key);
    const verdict = duplicates.look(caller, sync, id, key, encoding, now);
    if (verdict === "first") {
      this.#accept(caller, sync, id, plugin, command, bytes, now, options.delay, true);
      duplicates.dedup.begin(key, plugin.queue.lastId, this.#operation.acceptedAt, sync);
    } else if (verdict === "promised") {
      const { durability } = plugin.queue;
      if (durability !== null) this.#share(durability, caller, id, plugin, command, bytes, now, key);
      else if (caller.asyncReply) {
        const { operation, acceptedAt } = plugin.dedup.pendingOf(key);
        this.#accepted(caller, id, plugin, operation, acceptedAt);
      }
    } else if (verdict === "done") {
      const { id: operation, acceptedAt } = plugin.dedup.remembered(key, now)!;
      this.#accepted(caller, id, plugin, operation, acceptedAt);
    } else if (verdict === "full") {
      this.options.counters.busy++;
      plugin.busy++;
      this.options.limitLog.reached("dedup", { plugin: plugin.name });
      const message = `plugin ${plugin.name} works on as many operations with a mevent.key as it may ` +
        "(dedup.max_keys, dedup.max_bytes); try again later";
      if (sync || caller.asyncReply) {
        caller.answer(id, ReplyCode.Busy, errorBody(encoding, ReplyCode.Busy, message));
      }
    }
  }
}

function stoppingBody(encoding: Encoding): Uint8Array {
  return errorBody(encoding, ReplyCode.Busy, "the server is stopping and takes no new operations");
}
