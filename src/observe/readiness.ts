/** Whether a server does all that its config says of it. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, a sentence each; empty where it is ready. */
  readonly reasons: string[];
}

/** A plugin, and why its journal takes no operations: null where it does, or there is none. */
export interface JournalReadiness {
  readonly name: string;
  readonly problem: string | null;
}

/** Whether callers should be sent to a server: it runs, and each plugin with a journal takes operations. */
export function readiness(state: string, plugins: Iterable<JournalReadiness>): Readiness {
  const reasons = state === "running" ? [] : [`the server is ${state}`];
  for (const { name, problem } of plugins) {
    if (problem !== null) reasons.push(`the journal of plugin ${name} takes no operations: ${problem}`);
  }
  return { ready: reasons.length === 0, reasons };
}
