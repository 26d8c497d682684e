import type { HdfNode } from "../../src/hdf/node.ts";

const HEADERS = "/usr/include/ClearSilver";

/** Whether ClearSilver and a C compiler are here: what needs them is skipped otherwise. */
export const HAS_CLEARSILVER = await canCompile();

/** Says why, behind the name of a test that is skipped. */
export const CLEARSILVER_NOTE = HAS_CLEARSILVER
  ? ""
  : " (skipped: there is no clearsilver-dev or no C compiler here)";

/** A tree as ClearSilver read it. */
export interface ReadTree {
  /** It took the whole text. */
  readonly whole: boolean;
  /** A line for each node, as {@link linesOf} writes them. */
  readonly lines: readonly string[];
}

/** ClearSilver's own reader of HDF, in a program that is built for the tests. */
export class ClearSilver implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async build(): Promise<ClearSilver> {
    const folder = await Deno.makeTempDir({ prefix: "mevent-clearsilver-" });
    const source = new URL("clearsilver.c", import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command("cc", {
      args: ["-D_GNU_SOURCE", "-w", `-I${HEADERS}`, source, "-o", `${folder}/read`, "-lneo_utl", "-lz"],
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    return new ClearSilver(folder);
  }

  /** Reads all the texts, none of which may hold a NUL. */
  async read(texts: readonly string[]): Promise<ReadTree[]> {
    const child = new Deno.Command(`${this.folder}/read`, { stdin: "piped", stdout: "piped" }).spawn();
    const output = child.output();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(texts.map((text) => `${text}\0`).join("")));
    await writer.close();
    const trees: ReadTree[] = [];
    let lines: string[] = [];
    for (const line of new TextDecoder().decode((await output).stdout).split("\n")) {
      if (line !== ".") lines.push(line);
      else {
        trees.push({ whole: lines[0] === "text", lines: lines.slice(1) });
        lines = [];
      }
    }
    return trees;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A line for each node below: depth, name, and in hex its type and its value. */
export function linesOf(parent: HdfNode, depth = 0): string[] {
  const lines: string[] = [];
  for (const node of parent.children()) {
    lines.push(`${depth} ${node.name} ${hex(node.type)} ${hex(node.value)}`, ...linesOf(node, depth + 1));
  }
  return lines;
}

function hex(text: string | undefined): string {
  return text === undefined ? "-" : `=${new TextEncoder().encode(text).toHex()}`;
}

async function canCompile(): Promise<boolean> {
  try {
    await Deno.stat(`${HEADERS}/ClearSilver.h`);
    const { success } = await new Deno.Command("cc", { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
