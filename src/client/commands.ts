import type { JsonObject, JsonValue, Params, Success } from "../plugin.ts";

/**
 * The plugin of a module: `PluginOf<typeof plugin>` of its default export, of a factory what that makes, and of
 * `typeof import("./orders.ts")` the default export of it.
 */
export type PluginOf<Module> = Module extends { readonly default: infer Default } ? PluginOf<Default>
  : Module extends (...settings: never[]) => infer Made ? Awaited<Made>
  : Module;

type CommandsOf<Module> = PluginOf<Module> extends { readonly commands: infer Commands } ? Commands : never;

/** The commands' numbers; any number where the type names none, as with `Plugin` itself. */
export type CommandOf<Module> = Extract<keyof CommandsOf<Module>, number>;

type CommandAt<Module, Command> = Command extends keyof CommandsOf<Module> ? CommandsOf<Module>[Command]
  : never;

/** What a caller gives: the input of the command's schema, any object where it has none. */
export type InputOf<Module, Command> = CommandAt<Module, Command> extends
  { readonly params: { readonly "~standard": { readonly types?: infer Types } } }
  ? NonNullable<Types> extends { readonly input: infer Input } ? unknown extends Input ? JsonObject : Input
  : JsonObject
  : JsonObject;

/**
 * What a caller gets: what `run` returns, or one of what `runBatch` returns; any value of a success with a code of its own. Whole
 * numbers beyond ±2^53 come as bigints, whatever the type says.
 */
export type ResultOf<Module, Command> = CommandAt<Module, Command> extends infer Found
  ? Found extends { run(...args: never[]): infer Returned } ? Received<Awaited<Returned>>
  : Found extends { runBatch(...args: never[]): infer Returned } ? EachReceived<Awaited<Returned>>
  : JsonValue | undefined
  : never;

type EachReceived<Results> = Results extends readonly (infer Result)[] ? Received<Exclude<Result, Error>>
  : undefined;

// Distributes over a union: each member by itself.
type Received<Returned> = Returned extends Success ? JsonValue | undefined
  : Returned extends Params ? JsonObject
  : Returned extends void ? undefined
  : Returned;
