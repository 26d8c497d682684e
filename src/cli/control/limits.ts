import type { JsonObject, JsonValue } from "../../plugin.ts";
import type { Command } from "../command.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, DRY_RUN, dryRun, notDone } from "./call.ts";

export const limitsCommand: Command = {
  name: "limits",
  summary: "Changes limits of a plugin until the next reload.",
  usage: "PLUGIN KEY=VALUE… [flags]",
  details: [
    "Keys and values are those of the plugin's config: queue.max_ops=5000, queue.max_bytes=64MiB, retry.backoff=2s, timeout=10s, " +
    "workers=4, concurrency=8. What is queued stays; where the workers would see the change, new ones take over, as at a reload. The config's " +
    "file is not written: the next reload, or start, brings its values back.",
    CONTROL_EXIT_CODES,
  ],
  flags: [
    DRY_RUN,
    ...CONTROL_FLAGS,
  ],
  positionals: true,
  examples: ["mevent limits echo queue.max_ops=5000 ttl=1m", "mevent limits echo workers=4 --dry-run"],
  async run(args, io) {
    const { plugin, limits } = limitsOf(args);
    return await controlCall(args, io, {
      request: { command: "limits", plugin, limits, ...dryRun(args) },
      text: limitsText,
    });
  },
};

/** Throws UsageError. */
function limitsOf(
  { positionals: [plugin, ...edits] }: ParsedCommand,
): { plugin: string; limits: JsonObject } {
  if (plugin === undefined) throw new UsageError("PLUGIN is missing");
  if (edits.length === 0) throw new UsageError("KEY=VALUE is missing, such as queue.max_ops=5000");
  const limits = new Map<string, JsonValue>();
  for (const edit of edits) {
    const at = edit.indexOf("=");
    const [key, text] = [edit.slice(0, at).trim(), edit.slice(at + 1).trim()];
    if (at < 1 || text === "") {
      throw new UsageError(`expected KEY=VALUE such as queue.max_ops=5000, got ${JSON.stringify(edit)}`);
    }
    if (limits.has(key)) throw new UsageError(`${key} stands twice`);
    limits.set(key, /^\d[\d_]*$/.test(text) ? Number(text.replaceAll("_", "")) : text);
  }
  return { plugin, limits: Object.fromEntries(limits) };
}

/** A line for each limit, then what is to be known. */
function limitsText(result: JsonObject): string {
  const list = (value: JsonValue | undefined) => Array.isArray(value) ? value : [];
  const rows = list(result["changed"]).map((each) => {
    const { key, before, after } = each as JsonObject;
    return `plugin ${result["plugin"]}: ${key} ${before} -> ${after}${notDone(result)}\n`;
  });
  return [...rows, ...list(result["notes"]).map((note) => `${note}\n`)].join("");
}
