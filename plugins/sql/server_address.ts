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
