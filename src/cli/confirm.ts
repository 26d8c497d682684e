import type { Io } from "./io.ts";

/** An answer has no more bytes than this. */
const MAX_ANSWER_BYTES = 64;

/** Asks on the terminal; only `y` and `yes` mean it. */
export async function confirm(question: string, { stderr, stdin }: Io): Promise<boolean> {
  await stderr.write(`${question} [y/N] `);
  const reader = stdin.getReader();
  const decoder = new TextDecoder();
  let answer = "";
  try {
    while (!answer.includes("\n") && answer.length < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      answer += decoder.decode(value, { stream: true });
    }
  } finally {
    reader.releaseLock();
  }
  return /^\s*y(es)?\s*$/i.test(answer);
}
