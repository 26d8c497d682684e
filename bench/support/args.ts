import { parseArgs } from "@std/cli";

/** The flags of a bench: all take a value. */
export interface BenchArgs<Name extends string> {
  number(name: Name, otherwise: number): number;
  text(name: Name): string | undefined;
}

/** Reads the command line; prints the usage, and exits with 64 where something is wrong with it. */
export function benchArgs<Name extends string>(usage: string, names: readonly Name[]): BenchArgs<Name> {
  const args = parseArgs(Deno.args, {
    boolean: ["help"],
    string: [...names],
    unknown: (argument) => refuse(usage, `unknown: ${argument}`),
  });
  if (args["help"] === true) refuse(usage, "");
  const text = (name: Name) => {
    const value: unknown = args[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return {
    text,
    number(name, otherwise) {
      const given = text(name);
      const value = given === undefined ? otherwise : Number(given);
      if (!(value >= 0)) refuse(usage, `--${name} is to be a number from 0 on, not ${given}`);
      return value;
    },
  };
}

/** Ends the bench: 64, or 0 where nothing is wrong and it was only asked for help. */
export function refuse(usage: string, problem: string): never {
  console.error(`${problem}${problem && "\n"}${usage}`);
  Deno.exit(problem === "" ? 0 : 64);
}
