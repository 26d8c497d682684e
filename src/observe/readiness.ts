/** Whether a server does all that its config says of it. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, a sentence each; empty where it is ready. */
  readonly reasons: string[];
}

/** What of a plugin keeps its server from being ready. */
export interface PluginReadiness {
  readonly name: string;
  /** Why its journal takes no operations: null where it does, or there is none. */
  readonly problem: string | null;
  /** Why none of its workers can work, where the server is nothing without it; else null. */
  readonly down: string | null;
}

/** Whether callers should be sent to a server: it runs, each plugin with a journal takes operations, and essential ones can work. */
export function readiness(state: string, plugins: Iterable<PluginReadiness>): Readiness {
  const reasons = state === "running" ? [] : [`the server is ${state}`];
  for (const { name, problem, down } of plugins) {
    if (problem !== null) reasons.push(`the journal of plugin ${name} takes no operations: ${problem}`);
    if (down !== null) reasons.push(`no worker of the essential plugin ${name} can work: ${down}`);
  }
  return { ready: reasons.length === 0, reasons };
}
