/** What a plugin may be granted, as Deno names it. */
export type Permission =
  | { readonly name: "net"; readonly host: string }
  | { readonly name: "read" | "write"; readonly path: string }
  | { readonly name: "run"; readonly command: string };

/**
 * Throws where a permission is missing: an error that gathers what Deno throws then, in which the host finds the line of the
 * config that grants them. For what does not ask in time: Node's sockets say that the connection was refused.
 *
 * @param what it is that needs them, as a sentence
 */
export function requirePermissions(what: string, ...needed: readonly Permission[]): void {
  const missing = needed.filter((each) => Deno.permissions.querySync(each).state !== "granted");
  if (missing.length > 0) throw new AggregateError(missing.map(refusal), what);
}

/** In Deno's words, by which the host knows it. */
function refusal(permission: Permission): Error {
  const { name } = permission;
  const value = JSON.stringify(
    name === "net" ? permission.host : name === "run" ? permission.command : permission.path,
  );
  return new Deno.errors.NotCapable(
    `Requires ${name} access to ${value}, run again with the --allow-${name} flag`,
  );
}
