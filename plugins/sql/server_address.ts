import { requirePermissions } from "../permissions.ts";

/** Where a database server is, and who connects. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** The Unix socket (MariaDB, MySQL) or the directory it is in (PostgreSQL), in place of host and port. */
  readonly socket: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** What the driver hands to TLS; undefined is none. */
  readonly tls: { readonly rejectUnauthorized: boolean; readonly ca?: string } | undefined;
  /** In ms. */
  readonly connectTimeout: number;
  /** For messages: all but the password. */
  readonly place: string;
}

/** Throws where a permission for reaching the server is missing. */
export function requireServer({ host, port, socket, place }: ServerAddress): void {
  const what = `${place} cannot be reached`;
  if (socket === undefined) {
    return requirePermissions(what, {
      name: "net",
      host: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    });
  }
  requirePermissions(what, { name: "read", path: socket }, { name: "write", path: socket });
}
