import { fileURLToPath } from "node:url";
import { ChildProcess } from "../support/child_process.ts";

const SCRIPT = fileURLToPath(new URL("post.lua", import.meta.url));

/** What wrk measured. */
export interface WrkResult {
  readonly perSecond: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Lets wrk ask one URL over 50 connections; `posts` sends params of 100 bytes. Throws where a request fails. */
export async function wrk(program: string, url: string, seconds: number, posts: boolean): Promise<WrkResult> {
  const script = posts ? ["-s", SCRIPT] : [];
  const child = new ChildProcess(program, ["-t1", "-c50", `-d${seconds}s`, "--latency", ...script, url]);
  const code = await child.ended();
  const { stdout, stderr } = child;
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (code !== 0 || Number.isNaN(perSecond) || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`wrk ${url}: ${stdout || stderr}`);
  }
  return { perSecond, p50: quantile(stdout, 50), p99: quantile(stdout, 99) };
}

function quantile(output: string, percent: number): number {
  const [, amount, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? [];
  return Number(amount) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
}
