import type { ExchangeServices } from "./exchange_services.ts";
import type { RouteTable } from "./route_table.ts";

/** What all HTTP connections share. */
export interface HttpServices extends ExchangeServices {
  readonly table: RouteTable;
  /** The server ends: connections are not kept. */
  isStopping(): boolean;
}
