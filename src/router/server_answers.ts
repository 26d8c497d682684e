import type { JsonObject, JsonValue } from "../plugin.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { ServerCounters, ServerStats } from "../observe/server_stats.ts";
import { type BodyView, decodeContent, encodeBody, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { errorBody } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { requiredParamsOf } from "../protocol/params_of.ts";
import type { AnswerKind, Caller } from "./caller.ts";
import type { OperationStates } from "./operation_states.ts";
import type { Registry } from "./registry.ts";
import type { ReplyRoutes } from "./reply_routes.ts";
import { isResult, isStatus, reservedAnswer } from "./reserved_plugins.ts";
import { ResultRequests } from "./result_requests.ts";
import { LAST_SYSTEM_COMMAND, type RoutedPlugin } from "./routed_plugin.ts";
import { SYSTEM_COMMANDS } from "./system_commands.ts";
import { ReportThrottle } from "./report_throttle.ts";

/** The longest sentence of an error reply; what it quotes of the request may be as long as that. */
const MAX_MESSAGE_CHARS = 1000;

export interface ServerAnswersOptions {
  readonly registry: Registry;
  readonly counters: ServerCounters;
  readonly routes: ReplyRoutes;
  readonly stats: () => ServerStats;
  /** Monotonic, in ms. */
  readonly now: () => number;
  readonly contentLimits: ContentLimits;
  readonly limitLog: LimitLog;
}

/** What the server answers by itself, without a queue or a worker: reserved plugins, system commands, unknown names. */
export class ServerAnswers {
  readonly #reports: ReportThrottle;
  readonly #view: BodyView;
  readonly #results: ResultRequests;

  /** @param view where the content of the message lies that is being handled */
  constructor(readonly options: ServerAnswersOptions, view: BodyView, states: OperationStates) {
    this.#reports = new ReportThrottle(options.now);
    this.#view = view;
    this.#results = new ResultRequests(states, options.routes);
  }

  /** A name that is no plugin's: what the server tells of itself, else 18. */
  answerReserved(
    caller: Caller,
    sync: boolean,
    id: number,
    bytes: Uint8Array,
    nameAt: number,
    nameLength: number,
  ): void {
    const { counters, registry, stats } = this.options;
    const { encoding } = this.#view;
    if (caller.hops === 0 && isResult(bytes, nameAt, nameLength)) {
      return this.#answerResult(caller, id, bytes);
    }
    // They answer operators, not plugins.
    const answer = caller.hops > 0 ? null : reservedAnswer(bytes, nameAt, nameLength, counters, stats);
    if (answer !== null) {
      const isOld = isStatus(bytes, nameAt, nameLength);
      return this.#answerObject(caller, id, encoding, answer, isOld ? "status" : "told", isOld ? null : this);
    }
    counters.unknownRequests++;
    counters.unknownPlugins++;
    // Whoever may not use all of them is not told of the others.
    const known = caller.identity === null ? `; there is ${registry.known}` : "";
    // Clients of old know the bare code for this; other encodings are told the reason.
    const body = encoding === Encoding.Hdf ? null : errorBody(
      encoding,
      ReplyCode.Unknown,
      `there is no plugin ${shownName(bytes, nameAt, nameLength)}${known}`,
    );
    refuse(caller, sync, id, ReplyCode.Unknown, body);
  }

  /** Where an operation is, or what it came to; now, or when it has ended. */
  #answerResult(caller: Caller, id: number, bytes: Uint8Array): void {
    const { encoding, at, length } = this.#view;
    try {
      const content = bytes.subarray(at, at + length);
      const params = requiredParamsOf(decodeContent(encoding, content, this.options.contentLimits));
      this.#results.answer(caller, id, encoding, params);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      countLimit(this.options.limitLog, error);
      caller.answer(
        id,
        error.code,
        errorBody(encoding, error.code, error.message.slice(0, MAX_MESSAGE_CHARS)),
      );
    }
  }

  /** A command that the plugin does not have: 18. */
  refuseCommand(caller: Caller, sync: boolean, id: number, plugin: RoutedPlugin, command: number): void {
    this.options.counters.unknownRequests++;
    plugin.unknown++;
    const message = `plugin ${plugin.name} has no command ${command}; it has ${plugin.knownCommands}`;
    refuse(
      caller,
      sync,
      id,
      ReplyCode.Unknown,
      errorBody(this.#view.encoding, ReplyCode.Unknown, message),
    );
  }

  /** A command up to {@link LAST_SYSTEM_COMMAND}, which every plugin has. */
  runSystemCommand(
    caller: Caller,
    sync: boolean,
    id: number,
    plugin: RoutedPlugin,
    command: number,
    bytes: Uint8Array,
  ): void {
    const run = SYSTEM_COMMANDS.get(command);
    if (run === undefined) return this.refuseCommand(caller, sync, id, plugin, command);
    const { encoding, at, length } = this.#view;
    plugin.systemCommands++;
    if (command === LAST_SYSTEM_COMMAND) plugin.statsCommands++;
    try {
      const content = bytes.subarray(at, at + length);
      const params = requiredParamsOf(decodeContent(encoding, content, this.options.contentLimits));
      if (sync && command === LAST_SYSTEM_COMMAND) {
        this.#answerObject(caller, id, encoding, () => run(plugin, params) ?? {}, "told", plugin);
        plugin.systemSuccesses++;
        return;
      }
      const result = run(plugin, params);
      plugin.systemSuccesses++;
      if (result !== undefined && sync) {
        this.#answerObject(
          caller,
          id,
          encoding,
          () => result,
          "result",
          null,
        );
      } else if (sync || caller.asyncReply) caller.answer(id, ReplyCode.Ok, null);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      countLimit(this.options.limitLog, error);
      plugin.systemFailures++;
      if (error.code === ReplyCode.BadParam) plugin.systemBadParams++;
      const body = errorBody(encoding, error.code, error.message.slice(0, MAX_MESSAGE_CHARS));
      if (sync || caller.asyncReply) caller.answer(id, error.code, body);
    }
  }

  /**
   * Answers what the server itself has to tell; to HDF clients in plain text, as the C daemon did.
   *
   * @param subject what it tells about, where the answer may be one that was made a moment ago
   */
  #answerObject(
    caller: Caller,
    id: number,
    encoding: Encoding,
    tell: () => JsonObject,
    kind: AnswerKind,
    subject: object | null,
  ): void {
    const make = () => {
      const answer = tell();
      return encodeBody(encoding, encoding === Encoding.Hdf ? withoutTypes(answer) : answer);
    };
    let problem: string;
    try {
      const body = subject === null ? make() : this.#reports.about(subject, encoding, make);
      if (body.length <= caller.maxBodyBytes) return caller.answer(id, ReplyCode.Ok, body, kind);
      problem = `the answer has ${body.length} bytes, a reply here carries ${caller.maxBodyBytes}`;
    } catch (error) {
      // A plugin's own figures may have names that HDF cannot say.
      if (!(error instanceof ProtocolError)) throw error;
      problem = error.message.slice(0, MAX_MESSAGE_CHARS);
    }
    caller.answer(id, ReplyCode.Pack, errorBody(encoding, ReplyCode.Pack, problem));
  }
}

/** Counts the limit that a message was refused for. */
export function countLimit(limitLog: LimitLog, { limit }: ProtocolError): void {
  if (limit !== undefined) limitLog.reached(`max_${limit}`);
}

/** Answers an error to who waits for an answer. */
export function refuse(
  caller: Caller,
  sync: boolean,
  id: number,
  code: number,
  body: Uint8Array | null,
): void {
  if (sync) caller.refuse(id, code, body);
  else if (caller.asyncReply) caller.answer(id, code, body);
}

/** The same object with every value a text. */
function withoutTypes(object: JsonObject | JsonValue[]): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      typeof value === "object" && value !== null ? withoutTypes(value) : String(value),
    ]),
  );
}

function shownName(bytes: Uint8Array, at: number, length: number): string {
  const shown = Math.min(length, 64);
  return JSON.stringify(
    new TextDecoder().decode(bytes.subarray(at, at + shown)) + (length > shown ? "…" : ""),
  );
}
