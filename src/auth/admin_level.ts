/** What a config says of what the callers of an HTTP listener may do with the server. */
export const ADMIN_KINDS = ["auto", "full", "read", "off"] as const;
export type AdminKind = typeof ADMIN_KINDS[number];

/** What they may do, as far as their rights go: change it, look at it, or neither. */
export type AdminLevel = Exclude<AdminKind, "auto">;

/**
 * @param isAsked whether its callers are asked who they are
 * @param isLocal whether this machine alone reaches it
 */
export function adminLevel(kind: AdminKind, isAsked: boolean, isLocal: boolean): AdminLevel {
  if (kind !== "auto") return kind;
  return isAsked || isLocal ? "full" : "read";
}
