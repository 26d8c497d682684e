import type { JsonObject, JsonValue, Plugin } from "../plugin.ts";
import { decodeBody, encodeBody } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { CommandOf, InputOf, ResultOf } from "./commands.ts";
import type { Answer, CallOptions, ClientRequest } from "./connection.ts";
import { UnsendableError } from "./errors.ts";
import type { OperationState } from "./operation.ts";
import { replyError } from "./reply_error.ts";
import { ServerGroup, type ServerGroupOptions } from "./server_group.ts";

const RESULTS = { plugin: "Reserve.Result", command: 1 } as const;

/** How a {@link Client} reaches its servers. */
export type ClientOptions = ServerGroupOptions;

/** How one request is sent. */
export interface RequestOptions extends CallOptions {
  /** Requests of one key go to one server, as long as that lives. Without it, or with "", any server will do. */
  readonly key?: string;
}

export type EnqueueOptions = RequestOptions;

/** Params may be left out where the command needs none. */
type Rest<Input, Options> = Record<string, never> extends Input ? [params?: Input, options?: Options]
  : [params: Input, options?: Options];

/**
 * Calls a plugin's commands, on one server or several. Connections are opened when they are needed, and anew, with growing pauses,
 * once they are lost; any number of calls share them. A request that has left is never sent a second time by itself.
 *
 * ```ts
 * import type orders from "./orders.ts";
 *
 * await using client = new Client<typeof orders>("orders", { servers: "tcp://127.0.0.1:26000" });
 * const { total } = await client.call(1001, { uid: 7 });
 * ```
 */
export class Client<Module = Plugin> implements AsyncDisposable {
  readonly #servers: ServerGroup;

  /**
   * @param plugin its name or business number
   * @param servers how its servers are reached, or those of another client
   *
   * Throws TypeError and RangeError where an option is wrong; connects to nobody yet.
   */
  constructor(readonly plugin: string | number, servers: ClientOptions | ServerGroup = {}) {
    this.#servers = servers instanceof ServerGroup ? servers : new ServerGroup(servers);
  }

  /** A client for another plugin of the same servers, over the same connections; closing one closes both. */
  for<Other = Plugin>(plugin: string | number): Client<Other> {
    return new Client<Other>(plugin, this.#servers);
  }

  /** Calls that wait for their replies. */
  get inFlight(): number {
    return this.#servers.inFlight;
  }

  /**
   * Runs a command and returns its result. Throws a {@link ReplyError} by the reply's code, ConnectError where no server can be
   * reached in time, TimeoutError, ConnectionLostError, UnsendableError, or the signal's reason.
   */
  async call<Command extends CommandOf<Module>>(
    command: Command,
    ...[params, options]: Rest<InputOf<Module, Command>, RequestOptions>
  ): Promise<ResultOf<Module, Command>> {
    const { value } = await this.#succeed(command, params, { ...options, sync: true });
    return value as ResultOf<Module, Command>;
  }

  /** Puts an operation into the plugin's queue; resolves when it is queued. Throws as {@link Client.call} does. */
  async enqueue<Command extends CommandOf<Module>>(
    command: Command,
    ...[params, options]: Rest<InputOf<Module, Command>, EnqueueOptions>
  ): Promise<void> {
    await this.#succeed(command, params, { ...options, sync: false });
  }

  /**
   * As {@link Client.enqueue}, and returns the operation's id, for {@link Client.operation}; undefined where the server does not know
   * it any more, as of one that was sent before under the same `mevent.key`.
   */
  async submit<Command extends CommandOf<Module>>(
    command: Command,
    ...[params, options]: Rest<InputOf<Module, Command>, EnqueueOptions>
  ): Promise<string | undefined> {
    const { value } = await this.#succeed(command, params, { ...options, sync: false, wantsId: true });
    const { id } = (value ?? {}) as { readonly id?: unknown };
    return typeof id === "string" ? id : undefined;
  }

  /**
   * Where an operation is and what it came to; waits up to `waitMs`, 60,000 at most, for its end. It is asked of the server that the
   * same `key` leads to. Throws NoSuchKeyError where the server does not know it, or not any more.
   */
  async operation(
    id: string,
    { waitMs = 0, ...options }: RequestOptions & { readonly waitMs?: number } = {},
  ): Promise<OperationState> {
    const timeoutMs = (options.timeoutMs ?? this.#servers.timeoutMs) + waitMs;
    const answer = await this.#answer(RESULTS.plugin, RESULTS.command, { id, wait: waitMs / 1000 }, {
      ...options,
      timeoutMs,
      sync: true,
    });
    if (answer.code < ReplyCode.Ok) throw replyError(answer.code, answer.value, `operation ${id}`);
    return answer.value as unknown as OperationState;
  }

  /** As {@link Client.call}, for any command, and returns the reply whatever its code is. */
  request(
    command: number,
    params: JsonValue = {},
    options: RequestOptions & Partial<Pick<ClientRequest, "sync" | "wantsId">> = {},
  ): Promise<Answer> {
    return this.#answer(this.plugin, command, params, { sync: true, ...options });
  }

  /**
   * Closes all connections, gives up those that are being made, and waits until nothing of them is under way; calls that wait are
   * rejected with ConnectionLostError.
   */
  async close(): Promise<void> {
    await this.#servers.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #succeed(command: number, params: unknown, options: SendOptions): Promise<Answer> {
    const answer = await this.#answer(this.plugin, command, (params ?? {}) as JsonObject, options);
    if (answer.code >= ReplyCode.Ok) return answer;
    throw replyError(answer.code, answer.value, `${this.plugin} ${command}`);
  }

  async #answer(
    plugin: string | number,
    command: number,
    params: JsonValue,
    { key = "", ...options }: SendOptions,
  ): Promise<Answer> {
    const request = { plugin, command, body: this.#encode(params), ...options };
    const { code, body: value } = await this.#servers.send(request, key);
    return { code, value: decodeBody(value) };
  }

  #encode(params: JsonValue): Uint8Array {
    try {
      return encodeBody(this.#servers.encoding, params);
    } catch (error) {
      if (error instanceof ProtocolError) throw new UnsendableError(error.message, { cause: error });
      throw error;
    }
  }
}

type SendOptions = RequestOptions & Pick<ClientRequest, "sync" | "wantsId">;
