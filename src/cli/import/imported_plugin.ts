import type { JsonObject, JsonValue } from "../../plugin.ts";
import type { HdfNode } from "../../hdf/node.ts";
import { type DatabaseUrl, databaseUrl } from "./database_url.ts";
import type { Remarks } from "./remarks.ts";
import { TomlBlock } from "./toml_block.ts";

/** A plugin that the C daemon was told to load. */
export interface LoadedPlugin {
  readonly name: string;
  /** Where it is named. */
  readonly node: HdfNode;
  readonly threads: HdfNode | undefined;
  readonly mates: HdfNode | undefined;
}

/** A file beside the config, to be read by its owner alone. */
export interface SecretFile {
  readonly name: string;
  readonly text: string;
}

/** The most workers that a plugin may have. */
const MAX_WORKERS = 64;
/** A name that SQL takes without quotes. */
const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/;
const PARAM_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The tables `[[plugin]]` of one plugin of the C daemon; those with tables to insert into get one of `builtin:sql` beside. */
export function importedPlugin(
  plugin: LoadedPlugin,
  own: HdfNode | undefined,
  remarks: Remarks,
): { readonly blocks: readonly TomlBlock[]; readonly secrets: readonly SecretFile[] } {
  const isNumber = /^\d+$/.test(plugin.name);
  const name = isNumber ? `plugin_${plugin.name}` : plugin.name;
  if (isNumber) {
    remarks.on(plugin.node, `a name may not be a number: it is ${name}, its business number ${plugin.name}`);
  }
  const isSkeleton = name === "skeleton";
  const block = new TomlBlock("[[plugin]]").set("name", name);
  if (isNumber) block.set("biz", Number(plugin.name));
  block.set("module", isSkeleton ? "builtin:skeleton" : `./${name}.ts`);
  if (!isSkeleton) {
    remarks.on(
      plugin.node,
      `mevent_${plugin.name}.so is C: ./${name}.ts takes its place (mevent plugin new ${name})`,
    );
  }
  const workers = workersOf(plugin, remarks);
  if (workers !== undefined) block.set("workers", workers);
  const entries = own?.get("numobjs");
  const count = entries === undefined ? undefined : wholeNumber(entries, remarks);
  if (count !== undefined) block.set("cache", { max_entries: count });
  if (plugin.mates !== undefined) {
    for (const mate of plugin.mates.children()) {
      remarks.on(mate, "threads beside the plugin have no counterpart: a timer of the module does such work");
    }
  }
  const dbsn = own?.get("dbsn");
  const tables = own?.get("InsertCol");
  const database = dbsn?.value === undefined ? undefined : databaseUrl(dbsn.value);
  if (dbsn !== undefined && database === undefined) {
    remarks.on(
      dbsn,
      "is no connection text for PostgreSQL, MariaDB, MySQL or SQLite: no plugin sql was written for it",
    );
  }
  const rest = ownConfig(own, remarks);
  if (Object.keys(rest).length > 0) {
    block.table("[plugin.config]");
    for (const [key, value] of Object.entries(rest)) block.set(key, value);
  }
  if (database === undefined) {
    if (tables !== undefined) {
      remarks.on(tables, "there is no dbsn that says of which database the tables are");
    }
    return { blocks: [block], secrets: [] };
  }
  const sql = databasePlugin(`${name}_db`, database, tables, dbsn!, remarks);
  return { blocks: [block, sql.block], secrets: sql.secrets };
}

function workersOf({ threads, node }: LoadedPlugin, remarks: Remarks): number | undefined {
  if (threads === undefined) return undefined;
  const count = wholeNumber(threads, remarks);
  if (count === undefined) return undefined;
  if (count <= MAX_WORKERS) return Math.max(count, 1);
  remarks.on(
    node,
    `${count} threads become ${MAX_WORKERS} workers; one worker runs many operations at once: see concurrency`,
  );
  return MAX_WORKERS;
}

function wholeNumber(node: HdfNode, remarks: Remarks): number | undefined {
  if (/^\d{1,9}$/.test(node.value ?? "")) return Number(node.value);
  remarks.on(node, `is no whole number: ${JSON.stringify(node.value ?? "")}`);
  return undefined;
}

/** `builtin:sql` for the tables that a C plugin inserted into. */
function databasePlugin(
  name: string,
  { url, password, net, path, rest }: DatabaseUrl,
  tables: HdfNode | undefined,
  dbsn: HdfNode,
  remarks: Remarks,
): { block: TomlBlock; secrets: readonly SecretFile[] } {
  const secret = password === undefined ? undefined : { name: `${name}.password`, text: `${password}\n` };
  const read = [
    ...path === undefined ? [] : [folderOf(url, path)],
    ...secret === undefined ? [] : [`./${secret.name}`],
  ];
  const permissions = {
    ...net === undefined ? {} : { net: [net] },
    ...read.length === 0 ? {} : { read },
    ...path === undefined ? {} : { write: [folderOf(url, path)] },
  };
  const block = new TomlBlock("[[plugin]]").set("name", name).set("module", "builtin:sql").set(
    "permissions",
    permissions,
  ).table("[plugin.config]").set("url", url);
  if (secret !== undefined) block.set("password_file", `./${secret.name}`);
  for (const word of rest) remarks.on(dbsn, `${word} has no counterpart`);
  const isMysql = url.startsWith("mysql:");
  const columns: Record<string, string[]> = {};
  const statements: [string, string][] = [];
  for (const table of tables?.children() ?? []) {
    const params = [...table.children()];
    columns[table.name] = params.map(({ name, value }) => value ?? name);
    for (const param of params) {
      if (remarks.config.attributeOf(param, "require") === "true") {
        remarks.on(
          param,
          `is required: let the column ${
            param.value ?? param.name
          } be NOT NULL, which refuses such rows with 40`,
        );
      }
    }
    const odd = params.find((param) => !PARAM_NAME.test(param.name));
    if (odd !== undefined) {
      remarks.on(
        odd,
        `is no name of a param in a statement: rows go into ${table.name} by command 1001 alone`,
      );
    } else if (params.length > 0) {
      const quoted = (each: string) => PLAIN_NAME.test(each) ? each : isMysql ? `\`${each}\`` : `"${each}"`;
      const into = columns[table.name]!.map(quoted).join(", ");
      const values = params.map((param) => `:${param.name}`).join(", ");
      statements.push([
        `insert_${table.name}`,
        `INSERT INTO ${table.name.split(".").map(quoted).join(".")} (${into}) VALUES (${values})`,
      ]);
    }
  }
  if (tables === undefined) {
    remarks.on(
      dbsn,
      `plugin ${name} needs tables, statements or queries: the C plugin had its SQL in its code`,
    );
  }
  block.set("tables", columns);
  if (statements.length > 0) {
    block.table("[plugin.config.statements]");
    for (const [key, value] of statements) block.set(key, value);
  }
  return { block, secrets: secret === undefined ? [] : [secret] };
}

/** SQLite puts files beside its own: the folder is granted. */
function folderOf(url: string, path: string): string {
  return url.startsWith("sqlite:")
    ? path.replace(/\/?[^/]*$/, "") || (path.startsWith("/") ? "/" : ".")
    : path;
}

/** What is the plugin's own: all but what has a counterpart. */
function ownConfig(own: HdfNode | undefined, remarks: Remarks): JsonObject {
  const config: JsonObject = {};
  for (const node of own?.children() ?? []) {
    if (["dbsn", "InsertCol", "numobjs"].includes(node.name)) continue;
    const value = valueOf(node);
    if (value !== undefined) config[node.name] = value;
    else remarks.on(node, "has no value");
  }
  return config;
}

/** Text, or the number that it spells in the one way that numbers are written; a node with children as a table. */
function valueOf(node: HdfNode): JsonValue | undefined {
  if (node.size > 0) {
    const members: JsonObject = node.value === undefined ? {} : { "": node.value };
    for (const child of node.children()) {
      const value = valueOf(child);
      if (value !== undefined) members[child.name] = value;
    }
    return members;
  }
  const { value } = node;
  if (value === undefined) return undefined;
  return /^(?:0|-?[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
}
