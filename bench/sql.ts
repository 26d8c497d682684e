/**
 * Rows that 50 connections hand to the plugin `sql`, beside the same rows written one by one by a caller that is connected to
 * the database itself; and again with the database away in the middle. Prints Markdown; exits with 1 where a row is lost
 * or doubled.
 *
 *     ./denow task bench-sql
 *     ./denow task bench-sql --rows 20000 --databases sqlite,postgres
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { setTimeout as pause } from "node:timers/promises";
import { countText } from "./support/figures.ts";
import { describeMachine } from "./support/machine.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { RowCaller, RowRequests } from "./sql/row_caller.ts";
import { type SqlTarget, sqlTargets } from "./sql/targets.ts";
import { WatchedServer } from "./support/watched_server.ts";

const CONNECTIONS = 50;
/** Requests that each connection has unanswered. */
const DEPTH = 32;
/** So long the database is away in the middle, in ms. */
const AWAY_MS = 10_000;
/** The caller that writes one by one gets so long: its rate is that of the whole. */
const DIRECT_MS = 5000;
/** Rows before the clock runs: the one by one, measured over seconds, has its start behind it, too. */
const FIRST_ROWS = 20_000;
/** Nothing may take longer than this, in ms. */
const PATIENCE_MS = 300_000;
const LOOK_EVERY_MS = 10;

const args = parseArgs(Deno.args, {
  string: ["mevent", "rows", "rounds", "databases"],
  default: { mevent: "dist/mevent", rows: "100000", rounds: "3", databases: "sqlite,postgres,mariadb" },
});
const rows = Number(args["rows"]);
const rounds = Number(args["rounds"]);
const machine = describeMachine();
const table: string[][] = [];
const totals = (await Array.fromAsync(sqlTargets(String(args["databases"]).split(",")), measure)).flat();
const command = ["./denow task bench-sql", ...Deno.args].join(" ");
console.log(
  `\`${command}\` on ${machine}. Rows of a number and a text of 20 characters; medians of ${rounds} rounds by turns; ` +
    `${CONNECTIONS} connections, ${DEPTH} deep, requests encoded before; from the first request to the last commit, with ` +
    `${countText(FIRST_ROWS)} rows written before that.\n\n` +
    markdownTable(
      ["", "one by one", "50 callers, one by one", "by mevent", "x", "rows lost", "rows doubled"],
      table,
    ),
);
if (totals.some((wrong) => wrong > 0)) Deno.exitCode = 1;

/** Returns how many rows were lost or doubled in each part. */
async function measure(open: () => Promise<SqlTarget>): Promise<number[]> {
  await using target = await open();
  const direct: number[] = [];
  const many: number[] = [];
  const served: number[] = [];
  let [lost, doubled] = [0, 0];
  const check = async () => {
    const [count, distinct] = await target.counts();
    lost += FIRST_ROWS + rows - distinct;
    doubled += count - distinct;
  };
  for (let round = 0; round < rounds; round++) {
    await target.clear();
    direct.push(await target.oneByOne(1, DIRECT_MS));
    if (target.takesMany) many.push(await target.oneByOne(CONNECTIONS, DIRECT_MS));
    await target.clear();
    const { seconds } = await serve(target);
    served.push(rows / seconds);
    await check();
  }
  const ratio = median(served) / median(direct);
  const rate = (values: readonly number[]) => values.length === 0 ? "" : `${countText(median(values))}/s`;
  table.push([
    target.name,
    rate(direct),
    rate(many),
    rate(served),
    ratio.toFixed(1),
    countText(lost),
    countText(doubled),
  ]);
  const undisturbed = lost + doubled;
  [lost, doubled] = [0, 0];
  await target.clear();
  const { seconds } = await serve(target, () => target.away(AWAY_MS));
  await check();
  table.push([
    `${target.name}, away for ${AWAY_MS / 1000} s (${seconds.toFixed(1)} s in all)`,
    "",
    "",
    "",
    "",
    countText(lost),
    countText(doubled),
  ]);
  return [undisturbed, lost + doubled];
}

/** Hands all rows to a server of its own, and waits until it has written them. */
async function serve(target: SqlTarget, disturb?: () => Promise<void>): Promise<{ seconds: number }> {
  await using server = await WatchedServer.start({ mevent: String(args["mevent"]), config: target.config });
  using stack = new DisposableStack();
  const callers = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => stack.use(await RowCaller.connect(server.port))),
  );
  let sent = 0;
  const send = async (shares: readonly RowRequests[], answered: (count: number) => void = () => {}) => {
    await Promise.all(callers.map((caller, index) => caller.send(shares[index]!, DEPTH, answered)));
    sent += shares.reduce((sum, { count }) => sum + count, 0);
    await written(server, sent);
  };
  await send(shares(0, FIRST_ROWS));
  const requests = shares(FIRST_ROWS, rows);
  const start = performance.now();
  let answered = 0;
  let disturbance: Promise<void> | undefined;
  await send(requests, (count) => {
    answered += count;
    if (disturb !== undefined && answered > rows / 2) disturbance ??= disturb();
  });
  const seconds = (performance.now() - start) / 1000;
  await disturbance;
  return { seconds };
}

/** So many rows, the first of them with that number, for each of the connections. */
function shares(first: number, count: number): RowRequests[] {
  const uids = Array.from({ length: count }, (_, index) => first + index);
  return Array.from(
    { length: CONNECTIONS },
    (_, index) => new RowRequests(uids.filter((uid) => uid % CONNECTIONS === index)),
  );
}

/** Waits until the server has written so many rows. */
async function written(server: WatchedServer, count: number): Promise<void> {
  const start = performance.now();
  for (;;) {
    const { plugins } = await server.stats();
    const plugin = plugins.find(({ name }) => name === "sql");
    if (plugin === undefined) throw new Error("the server has lost its plugin");
    if (plugin.failed > 0) throw new Error(`${plugin.failed} rows have failed: ${server.log.join("\n")}`);
    if (plugin.done === count) return;
    if (performance.now() - start > PATIENCE_MS) throw new Error(`only ${plugin.done} rows were written`);
    await pause(LOOK_EVERY_MS);
  }
}
