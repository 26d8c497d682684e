import { inspectPlugin } from "../../authors/inspect_plugin.ts";
import { modulePath } from "../../authors/module_copy.ts";
import type { PluginConfig } from "../../config/config.ts";
import { type ConfigProblem, keyText, problemText } from "../../config/config_error.ts";
import type { Layers } from "../../config/layers.ts";
import type { ConfigSources } from "../../config/load.ts";
import { usableConfig } from "../../config/usable.ts";
import { checkNames, RegistryError } from "../../router/registry.ts";
import { addressPaths, checkAddresses } from "../../server/check_addresses.ts";
import { certificateProblems } from "../../server/check_certificates.ts";
import { dataFolder, dataFolderProblem } from "../../server/data_folder.ts";
import { PLACE, refusalText } from "../plugin/check_report.ts";

/** How long a plugin may take to load, in ms. */
const LOAD_TIMEOUT_MS = 30_000;
/** Plugins that are loaded at once: each is a thread with descriptors of its own. */
const AT_ONCE = 4;

/** Something that is wrong with a config, or hardly meant. */
export interface Finding {
  /** Whether it keeps a server from starting. */
  readonly severity: "error" | "warning";
  /** The whole sentence, with its place. */
  readonly text: string;
  /** The config's file, or that of a plugin's code. */
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** The config's key: `plugin[0].config.url`. */
  readonly key: string | null;
}

/** What a look at a config has found. */
export interface CheckFindings {
  readonly findings: readonly Finding[];
  /** Null where the config cannot be read at all. */
  readonly plugins: readonly string[] | null;
  readonly addresses: number | null;
}

/** All that is wrong with a config, its modules, grants and addresses; of one that is wrong in places, the rest is looked at. */
export async function checkFindings(sources: ConfigSources): Promise<CheckFindings> {
  const { problems, config, warnings, layers, plugins, listeners } = usableConfig(sources);
  const findings = problems.map((problem) => configFinding("error", problem));
  if (config === null || layers === null) return { findings, plugins: null, addresses: null };
  for (const text of warnings) findings.push({ ...NOWHERE, severity: "warning", text });
  findings.push(...await pluginFindings(config.plugins, plugins, layers));
  const paths = addressPaths(config.layers, listeners);
  const addresses = await checkAddresses(config.listeners, paths, config.server);
  for (const { path, message, isInUse } of addresses) {
    findings.push(configFinding(isInUse ? "warning" : "error", layers.inPlace({ path, message })));
  }
  for (const problem of await certificateProblems(config.listeners, paths)) {
    findings.push(configFinding("error", layers.inPlace(problem)));
  }
  const journals = config.plugins.filter(({ durability }) => durability === "journal");
  if (journals.length > 0) {
    const data = dataFolder(config.server, sources.env);
    const problem = data === null
      ? `${journals[0]!.name} has durability = "journal", and there is no folder for it: name one`
      : dataFolderProblem(data);
    const path = ["server", "data"];
    if (problem !== null) {
      const message = data === null ? problem : `journals cannot be kept there: ${problem}`;
      findings.push(configFinding("error", layers.inPlace({ path, message })));
    }
  }
  return { findings, plugins: config.plugins.map(({ name }) => name), addresses: config.listeners.length };
}

const NOWHERE = { file: null, line: null, column: null, key: null };

function configFinding(severity: Finding["severity"], problem: ConfigProblem): Finding {
  const { source, line = null, column = null, path = [] } = problem;
  const key = keyText(path) || null;
  return {
    severity,
    text: problemText(problem),
    file: line === null ? null : source ?? null,
    line,
    column,
    key,
  };
}

async function pluginFindings(
  plugins: readonly PluginConfig[],
  indexes: readonly number[],
  layers: Layers,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const names: { readonly name: string; readonly biz: number | undefined }[] = [];
  for (let from = 0; from < plugins.length; from += AT_ONCE) {
    const some = plugins.slice(from, from + AT_ONCE);
    const inspections = await Promise.all(
      some.map((each) => inspectPlugin(each.module, each, LOAD_TIMEOUT_MS)),
    );
    for (const [at, { plugin, problems, warnings, refused }] of inspections.entries()) {
      const config = some[at]!;
      const index = indexes[from + at]!;
      const tell = (severity: Finding["severity"], message: string) =>
        findings.push(pluginFinding(severity, message, config, index, layers));
      // One that loads is run with its mistakes.
      for (const problem of problems) tell(plugin === null ? "error" : "warning", problem);
      for (const warning of warnings) tell("warning", warning);
      for (const each of refused) {
        const text = refusalText(each, config.permissions);
        if (problems.length === 0) tell("warning", `it asks for what it is not granted: ${text}`);
      }
      if (plugin !== null) names.push({ name: config.name, biz: config.biz ?? plugin.biz ?? undefined });
    }
  }
  try {
    checkNames(names);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    findings.push({
      ...NOWHERE,
      severity: "error",
      text: `${layers.file ?? "the config"}: ${error.message}`,
    });
  }
  return findings;
}

function pluginFinding(
  severity: Finding["severity"],
  message: string,
  { name }: PluginConfig,
  index: number,
  layers: Layers,
): Finding {
  const { source, line, column, path } = layers.placeOfPlugin(index, message);
  const text = problemText({ source, line, column, message: `plugin ${name}: ${message}` });
  const [, file, codeLine, codeColumn] = PLACE.exec(message) ?? [];
  const place = file === undefined
    ? { file: source ?? null, line: line ?? null, column: column ?? null }
    : { file: modulePath(file), line: Number(codeLine), column: Number(codeColumn) };
  return { severity, text, ...place, key: keyText(path) };
}
