import { EXPECTED_RATE, parseRate } from "../../auth/rate.ts";
import { EXPECTED_RIGHT, parseRight } from "../../auth/rights.ts";
import { hashOfToken, hashText, TOKEN_BYTES, tokenOf } from "../../auth/token.ts";
import { tomlLine } from "../../config/toml_text.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { UsageError } from "../usage_error.ts";

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

export const tokenNewCommand: Command = {
  name: "token new",
  summary: "Makes a token, and prints it and the table that the config needs of it.",
  usage: "--name NAME --right RIGHT … [flags]",
  details: [
    "The token is on the first line, and nowhere else afterwards: give it to whoever is to use it. The table below it goes " +
    "into the config file; it holds the token's hash, from which nobody gets the token. `mevent reload` takes it over.",
    'Rights: "call:PLUGIN", "enqueue:PLUGIN", "stats" or "stats:PLUGIN", "control" or "control:PLUGIN"; "*" in place of PLUGIN ' +
    'is every plugin, "*" alone everything. See mevent help auth.',
  ],
  flags: [
    { name: "name", value: "NAME", help: "What logs and sentences call whoever has the token." },
    { name: "right", value: "RIGHT", repeat: true, help: "What it may do; as often as needed." },
    {
      name: "expires",
      value: "DATE|DAYS",
      help: "When it ends: 2027-01-31, 2027-01-31T12:00:00Z, or 90d from now. Without it never.",
    },
    { name: "rate", value: "RATE", help: "Requests of all who use it: 500/s, 100/m, 1000/h." },
    { name: "json", help: "Prints one JSON object." },
  ],
  positionals: false,
  examples: [
    "mevent token new --name shop --right call:orders --right enqueue:mail",
    "mevent token new --name operator --right stats --right control --expires 90d --json",
  ],
  async run(args, io) {
    const name = args.required("name");
    if (name === "" || name.length > 64 || /\p{C}/u.test(name)) {
      throw new UsageError("--name: expected 1 to 64 characters without controls");
    }
    const rights = args.texts("right");
    if (rights.length === 0) throw new UsageError("--right is missing: say what the token may do");
    const wrong = rights.find((right) => parseRight(right) === undefined);
    if (wrong !== undefined) {
      throw new UsageError(`--right: expected ${EXPECTED_RIGHT}, got ${JSON.stringify(wrong)}`);
    }
    const rate = args.text("rate");
    if (rate !== undefined && parseRate(rate) === undefined) {
      throw new UsageError(`--rate: expected ${EXPECTED_RATE}, got ${JSON.stringify(rate)}`);
    }
    const given = args.text("expires");
    const expires = given === undefined ? undefined : momentOf(given, Date.now());
    const token = tokenOf(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
    const table = {
      name,
      hash: hashText(hashOfToken(token)),
      rights,
      ...expires === undefined ? {} : { expires },
      ...rate === undefined ? {} : { rate },
    };
    const toml = ["[[token]]", ...Object.entries(table).map(([key, value]) => tomlLine([key], value))]
      .map((line) => `${line}\n`).join("");
    await io.stdout.write(
      args.isOn("json") === true
        ? `${JSON.stringify({ token, ...table, toml }, null, io.stdout.isTerminal ? 2 : 0)}\n`
        : `${token}\n\n${toml}`,
    );
    return ExitCode.Ok;
  },
};

/** When a token ends that is made now. Throws UsageError where that has no sense, or is over. */
function momentOf(text: string, now: number): Date {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  const isWritten = DATE.test(text) || MOMENT.test(text);
  // Whole seconds: nobody needs more of them.
  const ms = days !== undefined
    ? Math.floor((now + Number(days) * DAY_MS) / 1000) * 1000
    : isWritten
    ? Date.parse(text)
    : NaN;
  if (Number.isNaN(ms)) {
    throw new UsageError(
      `--expires: expected a date such as 2027-01-31, 2027-01-31T12:00:00Z or 90d, got ${
        JSON.stringify(text)
      }`,
    );
  }
  if (ms <= now) throw new UsageError(`--expires: ${text} is over`);
  return new Date(ms);
}
