import type { HostSetup, ToHost } from "../ring/messages.ts";

/** Server to a plugin's process, as JSON; operations go over the mirrored rings. */
export type ToProcess =
  | {
    readonly kind: "start";
    readonly name: string;
    readonly permissions: Deno.PermissionOptionsObject;
    readonly ringBytes: number;
    readonly setup: Omit<HostSetup, "rings" | "beats">;
  }
  | { readonly kind: "post"; readonly message: ToHost }
  /** What has not been begun is not to be begun any more; answered by `returned`. */
  | { readonly kind: "ask back" };

/** A plugin's process to the server. */
export type FromProcess =
  /** The plugin host or the plugin has posted it; whatever it is. */
  | { readonly kind: "posted"; readonly data: unknown }
  | { readonly kind: "beats"; readonly count: number }
  /** Pairs of slot and sequence. */
  | { readonly kind: "returned"; readonly pairs: readonly number[] }
  | { readonly kind: "failed"; readonly reason: string };

/** Whether it is one; of a process that is not what it seems nothing else is read. */
export function isFromProcess(value: unknown): value is FromProcess {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  switch (value.kind) {
    case "posted":
      return "data" in value;
    case "beats":
      return "count" in value && typeof value.count === "number";
    case "returned":
      return "pairs" in value && Array.isArray(value.pairs) &&
        value.pairs.every((each: unknown) => typeof each === "number");
    case "failed":
      return "reason" in value && typeof value.reason === "string";
    default:
      return false;
  }
}
