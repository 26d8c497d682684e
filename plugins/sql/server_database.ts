import type { Database, Dialect, Session } from "./database.ts";
import { requireServer, type ServerAddress } from "./server_address.ts";
import type { ServerSession } from "./server_session.ts";

/** A database over the network or a Unix socket. */
export abstract class ServerDatabase implements Database {
  abstract readonly dialect: Dialect;
  readonly place: string;

  constructor(readonly address: ServerAddress) {
    this.place = address.place;
  }

  /** Connects, and no more. */
  protected abstract connect(): Promise<ServerSession>;
  /** An error of the driver as a DatabaseError; any other as it is. */
  protected abstract faultOf(error: unknown): unknown;

  requireGrants(): void {
    requireServer(this.address);
  }

  async open(): Promise<Session> {
    this.requireGrants();
    try {
      const session = await this.connect();
      try {
        await session.setUp();
      } catch (error) {
        session.destroy();
        throw error;
      }
      return session;
    } catch (error) {
      throw this.faultOf(error);
    }
  }
}
