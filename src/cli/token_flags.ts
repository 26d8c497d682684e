import { systemReason } from "../system_reason.ts";
import type { Flag } from "./flag.ts";
import type { Io } from "./io.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { UsageError } from "./usage_error.ts";

const VARIABLE = "MEVENT_TOKEN";

/** The flags that say by which token a command may do what it asks for. */
export const TOKEN_FLAGS: readonly Flag[] = [
  {
    name: "token",
    value: "TOKEN",
    help:
      `A token of the server's config. Other users see it in the list of processes: ${VARIABLE} they do not.`,
  },
  { name: "token-file", value: "PATH", help: "A file whose first line is the token." },
];

/** The token: --token, else that of --token-file, else MEVENT_TOKEN; undefined where there is none. Throws UsageError. */
export async function givenToken(args: ParsedCommand, { env }: Pick<Io, "env">): Promise<string | undefined> {
  const token = args.text("token");
  const path = args.text("token-file");
  if (token !== undefined && path !== undefined) {
    throw new UsageError("--token and --token-file contradict each other");
  }
  if (path === undefined) return token ?? (env[VARIABLE] || undefined);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`--token-file: cannot read ${path}: ${systemReason(error, "file")}`);
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "") throw new UsageError(`--token-file: the first line of ${path} is empty`);
  return line;
}
