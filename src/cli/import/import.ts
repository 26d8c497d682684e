import { dirname, join } from "node:path";
import { HdfConfigError, readHdfConfig } from "../../hdf/read_config.ts";
import { readRegular, UnreadableFile } from "../../modules/read_regular.ts";
import { type CharsetName, charsetOf } from "../../protocol/charset.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { systemReason } from "../../system_reason.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";
import { type ImportedConfig, importedConfig } from "./imported_config.ts";

/** The longest file, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
const CHARSETS: readonly CharsetName[] = ["utf-8", "gbk", "latin1"];
const FOR_OWNER = 0o600;

export const importCommand: Command = {
  name: "import",
  summary: "Makes a config of the C daemon's server.hdf.",
  usage: "FILE [flags]",
  details: [
    "Reads it as the C library does, with what it includes, links and comments, and prints a config with the same addresses and plugins. " +
    "Tables that a plugin inserted into become a plugin sql beside it. What has no counterpart, or is left to do, stands at its " +
    "top and on stderr, each with file and line. No password is printed: with --output each goes into a file of its own beside the " +
    "config, readable by its owner alone.",
    "Exit codes: 0; 65 for a file that cannot be read, or where one to be written is there already; 64 for a wrong command line.",
  ],
  flags: [
    { name: "output", value: "FILE", help: "Writes the config there; no file is overwritten." },
    {
      name: "charset",
      value: "NAME",
      default: "utf-8",
      help: "What the file and its callers are written in: utf-8, gbk or latin1.",
    },
  ],
  positionals: true,
  examples: [
    "mevent import /etc/mevent/server.hdf",
    "mevent import server.hdf --output mevent.toml --charset gbk",
  ],
  async run(args, io) {
    const file = fileOf(args);
    const charset = charsetNamed(args.required("charset"));
    const output = args.text("output");
    try {
      const config = readHdfConfig(file, (path) => textOf(path, charset));
      const imported = importedConfig(config, charset);
      await write(imported, output, io);
      return ExitCode.Ok;
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      await io.stderr.write(`mevent import: ${problem}\n`);
      return ExitCode.Data;
    }
  },
};

function fileOf({ positionals: [file, ...others] }: ParsedCommand): string {
  if (file === undefined) throw new UsageError("the file is missing: mevent import server.hdf");
  if (others.length > 0) throw new UsageError(`expected one file, got ${JSON.stringify(others[0])} too`);
  return file;
}

function charsetNamed(name: string): CharsetName {
  const charset = CHARSETS.find((each) => each === name);
  if (charset === undefined) {
    throw new UsageError(`--charset: expected ${CHARSETS.join(", ")}, got ${JSON.stringify(name)}`);
  }
  return charset;
}

/** Undefined where there is no such file. */
function textOf(path: string, name: CharsetName): string | undefined {
  try {
    if (!isThere(path)) return undefined;
    const { bytes } = readRegular(path, MAX_BYTES, true);
    const utf8 = charsetOf(name)?.toUtf8(bytes) ?? bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(utf8);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new HdfConfigError(path, "is not UTF-8: say what it is written in, as --charset gbk");
    }
    const isTold = error instanceof UnreadableFile || error instanceof ProtocolError;
    throw isTold ? new HdfConfigError(path, error.message) : error;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function write(
  { toml, secrets, remarks }: ImportedConfig,
  output: string | undefined,
  io: Io,
): Promise<void> {
  if (output === undefined) {
    await io.stdout.write(toml);
    for (const { name } of secrets) {
      await io.stderr.write(
        `mevent import: ${name} is to hold the password, readable by its owner alone; --output writes it\n`,
      );
    }
  } else {
    const files = [
      ...secrets.map(({ name, text }) => ({ path: join(dirname(output), name), text, mode: FOR_OWNER })),
      { path: output, text: toml, mode: undefined },
    ];
    const written: string[] = [];
    try {
      for (const { path, text, mode } of files) {
        await Deno.writeTextFile(path, text, { createNew: true, ...mode === undefined ? {} : { mode } });
        written.push(path);
        await io.stdout.write(`wrote ${path}\n`);
      }
    } catch (error) {
      for (const path of written) await Deno.remove(path).catch(() => {});
      throw error;
    }
  }
  for (const remark of remarks) await io.stderr.write(`mevent import: ${remark}\n`);
}

function problemOf(error: unknown): string | undefined {
  if (error instanceof HdfConfigError) return error.message;
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const path = / '([^']+)'/.exec(error.message)?.[1];
  const reason = systemReason(error, "file");
  return path === undefined ? reason : `${path}: ${reason}`;
}
