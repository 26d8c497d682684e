import { Ajv } from "ajv";
import { assert, assertEquals } from "@std/assert";
import { embeddedPackages } from "../../src/release/embedded_packages.ts";
import { type EmbeddedPackage, sbom } from "../../src/release/sbom.ts";
import { sums } from "../../src/release/release.ts";

const FACTS = { builtAt: 1_700_000_000, deno: "2.7.11", v8: "14.7" };
/** Where CycloneDX's own library has the schemas. */
const SCHEMAS = new URL("./res/schema/", import.meta.resolve("@cyclonedx/cyclonedx-library/package.json"));

Deno.test("the list of parts fits the schema of CycloneDX, and has what the executable is made of", async () => {
  const packages = await embeddedPackages();
  const names = packages.map(({ name }) => name);
  for (
    const name of [
      "valibot",
      "smol-toml",
      "pg",
      "mysql2",
      "croner",
      "lit-html",
      "uplot",
      "@swc/wasm-typescript",
    ]
  ) {
    assert(names.includes(name), `${name} is missing`);
  }
  // Those that only tests need are no part of it.
  for (const name of ["fast-check", "zod", "arktype", "ajv"]) assert(!names.includes(name), name);
  const text = await sbom(packages, FACTS);
  assertEquals(text, await sbom(packages.toReversed(), FACTS));
  const bom = JSON.parse(text);
  const problems = await validator();
  assertEquals(problems(bom), null);
  const refs = new Set<string>([bom.metadata.component, ...bom.components].map((each) => each["bom-ref"]));
  assertEquals(refs.size, bom.components.length + 1);
  for (const { ref, dependsOn } of bom.dependencies) {
    for (const each of [ref, ...dependsOn]) assert(refs.has(each), each);
  }
  assert(problems({ ...bom, specVersion: 7 }) !== null);
  assert(problems({ ...bom, components: [{ name: "nothing else" }] }) !== null);
});

/** What is wrong with a list, by the schema of its version; null where nothing is. */
async function validator(): Promise<(bom: unknown) => string | null> {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(new URL(name, SCHEMAS)));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82"]) {
    const { $id: _, ...schema } = await read(`${name}.SNAPSHOT.schema.json`);
    ajv.addSchema(schema, `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const fits = ajv.compile(await read("bom-1.5.SNAPSHOT.schema.json"));
  return (bom) => fits(bom) ? null : JSON.stringify(fits.errors);
}

Deno.test("a licence that is a choice is an expression, and a hash of another kind is refused", async () => {
  const part: EmbeddedPackage = {
    name: "@a/b",
    version: "1.0.0",
    integrity: "sha512-AAEC",
    licence: "(MIT OR Apache-2.0)",
    needs: [],
  };
  const { components } = JSON.parse(await sbom([part], FACTS));
  const { group, name, purl, licenses, hashes } = components.at(-1);
  assertEquals([group, name, purl], ["@a", "b", "pkg:npm/%40a/b@1.0.0"]);
  assertEquals([licenses, hashes], [[{ expression: "(MIT OR Apache-2.0)" }], [{
    alg: "SHA-512",
    content: "000102",
  }]]);
  let said = "";
  await sbom([{ ...part, integrity: "sha1-AAEC" }], FACTS).catch((error: Error) => said = error.message);
  assert(said.includes("sha1-AAEC"));
});

Deno.test("sums are what sha256sum checks, in the order of names", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["b", "a"]) await Deno.writeTextFile(`${folder}/${name}`, name);
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, await sums([`${folder}/b`, `${folder}/a`]));
    const { success, stdout } = await new Deno.Command("sha256sum", {
      args: ["-c", "SHA256SUMS"],
      cwd: folder,
    }).output();
    assertEquals([success, new TextDecoder().decode(stdout)], [true, "a: OK\nb: OK\n"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
