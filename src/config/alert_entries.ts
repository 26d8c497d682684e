import * as v from "valibot";
import { ALERT_DEFAULTS, RECEIVER_DEFAULTS } from "./defaults.ts";
import {
  choice,
  commandLine,
  count,
  duration,
  longTime,
  names,
  onlyTrue,
  ownName,
  secretHeaders,
  secretUrl,
  share,
  text,
} from "./values.ts";

/** The keys of `[[alert]]`: what it watches first. */
export const ALERT_ENTRIES = {
  name: ownName(),
  plugin: v.optional(text("the name of a plugin")),
  queue: v.optional(share()),
  failures: v.optional(share()),
  crashes: v.optional(count(1, 1_000_000)),
  oldest: v.optional(duration(1)),
  busy: v.optional(count(1, 1_000_000_000)),
  journal: v.optional(onlyTrue()),
  down: v.optional(onlyTrue()),
  certificate: v.optional(longTime()),
  window: v.optional(duration(1000), ALERT_DEFAULTS.window),
  min_ops: v.optional(count(1, 1_000_000_000), ALERT_DEFAULTS.min_ops),
  for: v.optional(duration(0), ALERT_DEFAULTS.for),
  clear: v.optional(duration(0), ALERT_DEFAULTS.clear),
  repeat: v.optional(duration(0), ALERT_DEFAULTS.repeat),
  to: v.optional(names(), ALERT_DEFAULTS.to),
};

/** The keys of `[[receiver]]`. */
export const RECEIVER_ENTRIES = {
  name: ownName(),
  webhook: v.optional(secretUrl()),
  format: v.optional(choice(["json", "slack"]), RECEIVER_DEFAULTS.format),
  headers: v.optional(secretHeaders(), RECEIVER_DEFAULTS.headers),
  command: v.optional(commandLine()),
  timeout: v.optional(duration(1), RECEIVER_DEFAULTS.timeout),
};
