import { parseArgs } from "@std/cli";
import { isFile } from "./find_program.ts";
import { Loadgen } from "../loadgen.ts";

/** What the benches are told on their command line. */
export interface BenchOptions {
  /** The path of mevent's executable. */
  readonly mevent: string;
  readonly loadgen: Loadgen;
  /** What a measurement's name must begin with; none: all. */
  readonly only: readonly string[];
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
  --only A,B        only measurements whose name begins with one of these
  --seconds S       how long one measurement takes (2)
  --rounds N        how often each is taken; the median counts (3)
  --json            JSON instead of Markdown
  --out FILE        writes the report there instead of to stdout
Names:
`;

/** Reads the command line; says what is wrong with it, and exits with 64 there. */
export async function readBenchOptions(names: readonly string[]): Promise<BenchOptions> {
  const unknown: string[] = [];
  const args = parseArgs(Deno.args, {
    boolean: ["json", "help"],
    string: ["mevent", "loadgen", "only", "seconds", "rounds", "out"],
    unknown: (argument) => void unknown.push(argument),
  });
  const text = (name: string) => {
    const value = args[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const number = (name: string, otherwise: number, least: number, most: number) => {
    const value = Number(text(name) ?? otherwise);
    if (!(value >= least && value <= most)) refuse(names, `--${name} is to be from ${least} to ${most}`);
    return value;
  };
  if (args["help"] === true) refuse(names, "");
  if (unknown.length > 0) refuse(names, `unknown: ${unknown.join(" ")}`);
  const only = text("only")?.split(",") ?? [];
  for (const name of only) {
    if (!names.some((known) => known.startsWith(name))) refuse(names, `nothing here begins with ${name}`);
  }
  const mevent = text("mevent") ?? "dist/mevent";
  if (!isFile(mevent)) refuse(names, `there is no ${mevent}; \`deno task compile\` writes it`);
  const path = text("loadgen") ?? Deno.env.get("LOADGEN");
  if (path === undefined) return refuse(names, "--loadgen or LOADGEN is to name loadgen or its folder");
  return {
    mevent: Deno.realPathSync(mevent),
    loadgen: await Loadgen.find(path),
    only,
    seconds: number("seconds", 2, 0.1, 60),
    rounds: Math.round(number("rounds", 3, 1, 99)),
    json: args["json"] === true,
    out: text("out"),
  };
}

/** Whether a measurement is asked for. */
export function isAskedFor({ only }: BenchOptions, name: string): boolean {
  return only.length === 0 || only.some((start) => name.startsWith(start));
}

/** Writes the report where it is to go. */
export async function writeReport({ out }: BenchOptions, report: string): Promise<void> {
  if (out === undefined) console.log(report);
  else await Deno.writeTextFile(out, report);
}

function refuse(names: readonly string[], problem: string): never {
  console.error(
    `${problem}${problem && "\n"}Usage: ./denow run -A FILE [options]${USAGE}  ${names.join("\n  ")}`,
  );
  Deno.exit(problem === "" ? 0 : 64);
}
