import type { ServerAddress } from "./server_address.ts";

/**
 * Throws what Deno throws where a permission for reaching a server is missing. Node's sockets do not: they say that the
 * connection was refused.
 */
export function requirePermission(
  { host, port, socket }: Pick<ServerAddress, "host" | "port" | "socket">,
): void {
  if (socket === undefined) {
    return require({ name: "net", host: `${host.includes(":") ? `[${host}]` : host}:${port}` });
  }
  require({ name: "read", path: socket });
  require({ name: "write", path: socket });
}

type Permission =
  | { readonly name: "net"; readonly host: string }
  | { readonly name: "read" | "write"; readonly path: string };

function require(permission: Permission): void {
  if (Deno.permissions.querySync(permission).state === "granted") return;
  const what = permission.name === "net" ? permission.host : permission.path;
  throw new Deno.errors.NotCapable(
    `Requires ${permission.name} access to "${what}", run again with the --allow-${permission.name} flag`,
  );
}
