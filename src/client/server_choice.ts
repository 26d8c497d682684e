import { keyChecksum } from "./key_checksum.ts";
import type { Fortune, ServerHealth } from "./server_health.ts";

/** What is chosen among. */
export interface Choosable {
  readonly health: ServerHealth;
}

/**
 * The server for a key among all, which stand in the C client's order: the key's own one, by its checksum; any where the key is "".
 * Where that one is dead it is any other that lives; where none does, the one whose next try is due first.
 */
export function chooseServer<Server extends Choosable>(
  servers: readonly Server[],
  key: string,
  random: Fortune["random"],
): Server {
  const any = (among: readonly Server[]) => among[Math.floor(random() * among.length)]!;
  const own = key === "" ? any(servers) : servers[keyChecksum(key) % servers.length]!;
  if (own.health.isAlive) return own;
  const alive = servers.filter(({ health }) => health.isAlive);
  if (alive.length > 0) return any(alive);
  return servers.reduce((best, each) => each.health.pauseMs < best.health.pauseMs ? each : best, own);
}
