import type { ServerConfig } from "../config/config.ts";
import { descriptorBound } from "../net/descriptor_limit.ts";
import type { Libc } from "../net/libc.ts";
import type { Log } from "../observe/log.ts";

/** The limits, with no more connections than the system has descriptors for. */
export function fitLimits(limits: ServerConfig, libc: Libc | null, log: Log): ServerConfig {
  const bound = libc === null ? null : descriptorBound(libc);
  if (bound === null || bound.connections >= limits.maxConnections) return limits;
  log.warn("max_connections is lowered: the system allows too few file descriptors (ulimit -n)", {
    max_connections: limits.maxConnections,
    lowered_to: bound.connections,
    descriptors: bound.descriptors,
  });
  return { ...limits, maxConnections: bound.connections };
}
