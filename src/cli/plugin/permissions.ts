import type { PluginPermissions } from "../../config/config.ts";
import { printable } from "../aligned.ts";

/** `net 127.0.0.1:5432, read its own files`; `none` where there is nothing. */
export function permissionsText(permissions: PluginPermissions, hasFiles: boolean): string {
  const texts = Object.entries(permissions).flatMap(([kind, granted]) => {
    const own = kind === "read" && hasFiles && granted !== true ? ["its own files"] : [];
    const listed = Array.isArray(granted)
      ? granted.map((each) => printable(each))
      : granted
      ? ["everything"]
      : [];
    const all = [...own, ...listed];
    return all.length === 0 ? [] : [`${kind} ${all.join(" ")}`];
  });
  return texts.join(", ") || "none";
}
