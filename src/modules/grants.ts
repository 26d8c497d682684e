/** What a plugin's worker may be granted. */
export const GRANT_KINDS = ["net", "read", "write", "env", "run", "sys", "ffi", "import"] as const;

export type GrantKind = typeof GRANT_KINDS[number];

/** What the config grants: nothing, everything of the kind, or what is listed. */
export type Grants = { readonly [kind in GrantKind]: boolean | readonly string[] };

/** One thing more to grant; without a value, everything of the kind. */
export interface Asked {
  readonly kind: GrantKind;
  readonly value: string | undefined;
}

/** The line of the config that grants what it does and what is asked for. */
export function grantLine(grants: Grants, ...asked: readonly Asked[]): string {
  const all = asked.reduce(granting, grants);
  const entries = GRANT_KINDS.flatMap((kind) => all[kind] === false ? [] : `${kind} = ${toml(all[kind])}`);
  return `permissions = { ${entries.join(", ")} }`;
}

function granting(grants: Grants, { kind, value }: Asked): Grants {
  const given = grants[kind];
  if (value === undefined || given === true) return { ...grants, [kind]: true };
  return { ...grants, [kind]: [...new Set([...given === false ? [] : given, value])] };
}

function toml(grant: boolean | readonly string[]): string {
  return typeof grant === "boolean"
    ? String(grant)
    : `[${grant.map((each) => JSON.stringify(each)).join(", ")}]`;
}
