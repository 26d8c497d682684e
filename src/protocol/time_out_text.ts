const TIME_OUT = /\btime-out of \d+ ms$/;

/** What callers are told, with code 14, of something that had to end: `the operation took longer than its time-out of 500 ms`. */
export function timeOutText(what: string, ms: number): string {
  return `${what} took longer than its time-out of ${ms} ms`;
}

/** Whether a sentence tells of a time-out. */
export function isTimeOut(message: string): boolean {
  return TIME_OUT.test(message);
}
