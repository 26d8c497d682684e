export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** What the config says, and what was said to the running server, which goes before it. */
interface Level {
  /** Null is the server's. */
  configured: LogLevel | null;
  live: LogLevel | null;
}

/** From which level on lines are written: those of the server, and those about each plugin. */
export class LogLevels {
  #configured: LogLevel;
  #live: LogLevel | null = null;
  /** Of the plugins that have one of their own. */
  readonly #plugins = new Map<string, Level>();
  /** The same as places in {@link LOG_LEVELS}. */
  #least: number;
  readonly #leastOf = new Map<string, number>();

  constructor(level: LogLevel) {
    this.#configured = level;
    this.#least = LOG_LEVELS.indexOf(level);
  }

  /** The server's. */
  get server(): LogLevel {
    return this.#live ?? this.#configured;
  }

  /** A plugin's own; null where it has the server's. */
  of(plugin: string): LogLevel | null {
    const level = this.#plugins.get(plugin);
    return level?.live ?? level?.configured ?? null;
  }

  /** Whether a line is written. */
  admits(level: LogLevel, plugin: unknown): boolean {
    const own = this.#leastOf.size > 0 && typeof plugin === "string" ? this.#leastOf.get(plugin) : undefined;
    return LOG_LEVELS.indexOf(level) >= (own ?? this.#least);
  }

  /** The config says so. */
  configure(level: LogLevel): void {
    this.#configured = level;
    this.#least = LOG_LEVELS.indexOf(this.server);
  }

  /** The config says so of a plugin; null where it says nothing. */
  configurePlugin(plugin: string, level: LogLevel | null): void {
    this.#set(plugin, { configured: level, live: this.#plugins.get(plugin)?.live ?? null });
  }

  /** From now on, until the server ends; null is what the config says again. */
  set(plugin: string | null, level: LogLevel | null): void {
    if (plugin === null) {
      this.#live = level;
      this.#least = LOG_LEVELS.indexOf(this.server);
    } else this.#set(plugin, { configured: this.#plugins.get(plugin)?.configured ?? null, live: level });
  }

  #set(plugin: string, level: Level): void {
    const own = level.live ?? level.configured;
    if (own === null) {
      this.#plugins.delete(plugin);
      this.#leastOf.delete(plugin);
    } else {
      this.#plugins.set(plugin, level);
      this.#leastOf.set(plugin, LOG_LEVELS.indexOf(own));
    }
  }
}
