import { parseArgs } from "@std/cli";
import { isFile } from "./find_program.ts";
import { Loadgen } from "../loadgen.ts";

/** What the benches are told on their command line. */
export interface BenchOptions {
  /** The path of mevent's executable. */
  readonly mevent: string;
  readonly loadgen: Loadgen;
  /** The names of what is to be measured. */
  readonly only: ReadonlySet<string>;
  /** How long one measurement takes. */
  readonly seconds: number;
  readonly rounds: number;
  readonly json: boolean;
  /** The file for the report; undefined: stdout. */
  readonly out: string | undefined;
}

const USAGE = `
  --mevent FILE     mevent's executable (dist/mevent)
  --loadgen PATH    loadgen, or its folder, where make builds it ($LOADGEN)
  --only A,B        only the measurements of these names; or those that begin so, where there is none of that name
  --seconds S       how long one measurement takes (2)
  --rounds N        how often each is taken; the median counts (3)
  --json            JSON instead of Markdown
  --out FILE        writes the report there instead of to stdout
`;
const NAMES = ["mevent", "loadgen", "only", "seconds", "rounds", "out"];

/** Reads the command line; says what is wrong with it, and exits with 64 there. */
export class BenchFlags {
  readonly json: boolean;
  readonly #args: Readonly<Record<string, unknown>>;

  /** `names` are those of the measurements; `more` are flags of one bench alone, each with its line of the usage. */
  constructor(readonly names: readonly string[], readonly more: Readonly<Record<string, string>> = {}) {
    const unknown: string[] = [];
    this.#args = parseArgs(Deno.args, {
      boolean: ["json", "help"],
      string: [...NAMES, ...Object.keys(more)],
      unknown: (argument) => void unknown.push(argument),
    });
    if (this.#args["help"] === true) this.refuse("");
    if (unknown.length > 0) this.refuse(`unknown: ${unknown.join(" ")}`);
    this.json = this.#args["json"] === true;
  }

  text(name: string): string | undefined {
    const value = this.#args[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  number(name: string, otherwise: number, least: number, most: number): number {
    const value = Number(this.text(name) ?? otherwise);
    return value >= least && value <= most
      ? value
      : this.refuse(`--${name} is to be from ${least} to ${most}`);
  }

  /** The whole path of an executable of mevent's. */
  executable(path: string): string {
    if (!isFile(path)) this.refuse(`there is no ${path}; \`deno task compile\` writes dist/mevent`);
    return Deno.realPathSync(path);
  }

  /** Ends the bench: 64, or 0 where nothing is wrong and it was only asked for help. */
  refuse(problem: string): never {
    const usage = USAGE + Object.values(this.more).map((line) => `  ${line}\n`).join("");
    const names = this.names.map((name) => `  ${name}\n`).join("");
    console.error(`${problem}${problem && "\n"}Usage: ./denow run -A FILE [options]${usage}Names:\n${names}`);
    Deno.exit(problem === "" ? 0 : 64);
  }
}

/** What the flags say that all these benches have. */
export async function readBenchOptions(flags: BenchFlags): Promise<BenchOptions> {
  const only = (flags.text("only")?.split(",") ?? [""]).flatMap((asked) => {
    if (flags.names.includes(asked)) return [asked];
    const begun = flags.names.filter((name) => name.startsWith(asked));
    return begun.length > 0 ? begun : flags.refuse(`nothing here begins with ${asked}`);
  });
  const path = flags.text("loadgen") ?? Deno.env.get("LOADGEN") ??
    flags.refuse("--loadgen or LOADGEN is to name loadgen or its folder");
  return {
    mevent: flags.executable(flags.text("mevent") ?? "dist/mevent"),
    loadgen: await Loadgen.find(path),
    only: new Set(only),
    seconds: flags.number("seconds", 2, 0.1, 60),
    rounds: Math.round(flags.number("rounds", 3, 1, 99)),
    json: flags.json,
    out: flags.text("out"),
  };
}

/** Whether a measurement is asked for. */
export function isAskedFor({ only }: BenchOptions, name: string): boolean {
  return only.has(name);
}

/** Writes the report where it is to go. */
export async function writeReport({ out }: BenchOptions, report: string): Promise<void> {
  if (out === undefined) console.log(report);
  else await Deno.writeTextFile(out, report);
}
