/**
 * Takes from a plugin's worker what Deno gives to every one without a permission, and what reaches into the whole process: its engine's
 * internals, and the working directory and file mode that all threads share. A fence and no wall: a worker that
 * the plugin starts has them anew.
 */
export function fence(): void {
  const deno: Record<PropertyKey, unknown> = Deno as never;
  for (const name of [Reflect.get(Deno, "internal"), "chdir", "umask"]) delete deno[name];
  const { process } = globalThis as { process?: { binding?: unknown } };
  if (process !== undefined) process.binding = undefined;
}
