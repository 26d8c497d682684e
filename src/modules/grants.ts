/** What a plugin's worker may be granted. */
export const GRANT_KINDS = ["net", "read", "write", "env", "run", "sys", "ffi", "import"] as const;

export type GrantKind = typeof GRANT_KINDS[number];

/** What the config grants: nothing, everything of the kind, or what is listed. */
export type Grants = { readonly [kind in GrantKind]: boolean | readonly string[] };

/** The line of the config that grants one thing more than it does; without a value, everything of the kind. */
export function grantLine(grants: Grants, kind: GrantKind, value: string | undefined): string {
  const given = grants[kind];
  const wanted = value === undefined || given === true ? true : [...given === false ? [] : given, value];
  const entries = GRANT_KINDS.map((each) => [each, each === kind ? wanted : grants[each]] as const)
    .filter(([, grant]) => grant !== false)
    .map(([each, grant]) => `${each} = ${toml(grant)}`);
  return `permissions = { ${entries.join(", ")} }`;
}

function toml(grant: boolean | readonly string[]): string {
  return typeof grant === "boolean"
    ? String(grant)
    : `[${grant.map((each) => JSON.stringify(each)).join(", ")}]`;
}
