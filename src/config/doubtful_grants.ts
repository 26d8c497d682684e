import type { CertificateGrant } from "../auth/certificates.ts";
import type { TokenGrant } from "../auth/token_guard.ts";
import { didYouMean } from "../nearest.ts";
import type { ListenerConfig } from "./config.ts";

/**
 * What is said of tokens and certificates that open nothing, or not what is meant; a sentence each.
 *
 * @param names of the plugins that may be asked for
 */
export function doubtfulGrants(
  listeners: readonly ListenerConfig[],
  names: readonly string[],
  tokens: readonly TokenGrant[],
  certificates: readonly CertificateGrant[],
): string[] {
  const warnings: string[] = [];
  const kinds = [
    ["token", "[[token]]", tokens.length],
    ["certificate", "[[certificate]]", certificates.length],
  ] as const;
  for (const [auth, table, count] of kinds) {
    const isAsked = listeners.some((listener) => listener.auth === auth);
    if (isAsked && count === 0) {
      warnings.push(`auth = "${auth}" is set, and there is no ${table}: nobody can log in`);
    }
  }
  for (const [kind, grants] of [["token", tokens], ["certificate", certificates]] as const) {
    for (const { name, rights } of grants) {
      for (const { action, plugin } of rights) {
        if (plugin === null || plugin === "*" || names.includes(plugin)) continue;
        warnings.push(
          `${kind} ${name}: the right ${action}:${plugin} is for a plugin that is not there${
            didYouMean(plugin, names)
          }`,
        );
      }
    }
  }
  return warnings;
}
