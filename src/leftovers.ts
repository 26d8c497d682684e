/**
 * Files and folders of this process that are to be gone with it. Whoever makes one removes it in order; where a signal ends
 * the process before that, {@link removeAll} does.
 */
const paths = new Set<string>();
let onChange: (paths: readonly string[]) => void = () => {};

/** Notes a path until {@link removed}. */
export function leaves(path: string): void {
  paths.add(path);
  onChange([...paths]);
}

/** It has been removed in order. */
export function removed(path: string): void {
  paths.delete(path);
  onChange([...paths]);
}

/** All that is noted. */
export function leftovers(): readonly string[] {
  return [...paths];
}

/** Tells what is noted as often as that changes, until the result is called. */
export function followLeftovers(follower: (paths: readonly string[]) => void): () => void {
  onChange = follower;
  follower([...paths]);
  return () => {
    onChange = () => {};
  };
}

/** Removes them, now: the process is about to end. */
export function removeAll(leftovers: readonly string[]): void {
  for (const path of leftovers) {
    try {
      Deno.removeSync(path, { recursive: true });
    } catch {
      // It has gone, or what is written there this moment keeps it: nobody is left to try again.
    }
  }
}
