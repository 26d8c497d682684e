import project from "../../deno.json" with { type: "json" };

/** A package of npm that is part of an executable. */
export interface EmbeddedPackage {
  readonly name: string;
  readonly version: string;
  /** As the lock file has it: `sha512-…` in base64. */
  readonly integrity: string;
  /** An SPDX expression, or what its package.json says; "" where that says none. */
  readonly licence: string;
  /** `NAME@VERSION` of each that it needs. */
  readonly needs: readonly string[];
}

/** What else the list of parts tells. */
export interface SbomFacts {
  /** Seconds since 1970. */
  readonly builtAt: number;
  readonly deno: string;
  readonly v8: string;
}

/** The parts of mevent as CycloneDX 1.5 JSON; the same parts make the same text. */
export async function sbom(
  packages: readonly EmbeddedPackage[],
  { builtAt, deno, v8 }: SbomFacts,
): Promise<string> {
  const sorted = [...packages].sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  const own = { name: "mevent", version: project.version };
  const ref = `pkg:generic/mevent@${own.version}`;
  const runtime = `pkg:github/denoland/deno@v${deno}`;
  const engine = `pkg:generic/v8@${v8}`;
  const body = {
    metadata: {
      timestamp: new Date(builtAt * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": ref,
        ...own,
        purl: ref,
        licenses: licencesOf(project.license),
      },
    },
    components: [
      part("framework", "deno", deno, runtime, "MIT"),
      part("library", "v8", v8, engine, "BSD-3-Clause"),
      ...sorted.map((each) => ({
        ...part("library", each.name, each.version, purlOf(each), each.licence),
        hashes: [{ alg: "SHA-512", content: hexOf(each.integrity) }],
      })),
    ],
    dependencies: [
      { ref, dependsOn: [runtime, ...directOf(sorted).map(purlOf)] },
      { ref: runtime, dependsOn: [engine] },
      { ref: engine, dependsOn: [] },
      ...sorted.map((each) => ({
        ref: purlOf(each),
        dependsOn: sorted.filter((other) => each.needs.includes(keyOf(other))).map(purlOf),
      })),
    ],
  };
  const serialNumber = `urn:uuid:${await uuidOf(JSON.stringify(body))}`;
  return `${
    JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.5", serialNumber, version: 1, ...body }, null, 2)
  }\n`;
}

function part(type: string, name: string, version: string, purl: string, licence: string) {
  const [scope, own] = name.startsWith("@") ? name.split("/") : [undefined, name];
  return {
    type,
    "bom-ref": purl,
    ...scope === undefined ? {} : { group: scope },
    name: own ?? name,
    version,
    purl,
    ...licence === "" ? {} : { licenses: licencesOf(licence) },
  };
}

function licencesOf(licence: string) {
  const isExpression = /\b(?:OR|AND|WITH)\b|[()]/.test(licence);
  return isExpression ? [{ expression: licence }] : [{ license: { id: licence } }];
}

/** Those that no other needs are what the sources import. */
function directOf(packages: readonly EmbeddedPackage[]): EmbeddedPackage[] {
  const needed = new Set(packages.flatMap(({ needs }) => needs));
  return packages.filter((each) => !needed.has(keyOf(each)));
}

function keyOf({ name, version }: EmbeddedPackage): string {
  return `${name}@${version}`;
}

function purlOf({ name, version }: EmbeddedPackage): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

function hexOf(integrity: string): string {
  const [algorithm, base64 = ""] = integrity.split("-", 2);
  if (algorithm !== "sha512") throw new Error(`the lock file has a hash of another kind: ${integrity}`);
  return Array.from(atob(base64), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** Of what it stands for, as version 8 of RFC 9562 allows. */
async function uuidOf(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).slice(
    0,
    16,
  );
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
