/** What an operation's id says: `0123456789ab-3k-1`. No other operation has it, of this server or of others. */
export interface OperationName {
  /** Of the plugin, and of the server's start, or of the journal: 12 hexadecimal digits. */
  readonly run: string;
  /** When it was accepted, in s: a plugin that is removed and added again counts its operations anew. */
  readonly second: number;
  /** The lower half of its number. */
  readonly idLow: number;
}

const PATTERN = /^([0-9a-f]{12})-([0-9a-z]{1,7})-([0-9a-z]{1,7})$/;
const MAX_WORD = 0xffffffff;

export function operationId({ run, second, idLow }: OperationName): string {
  return `${run}-${second.toString(36)}-${idLow.toString(36)}`;
}

/** What a text says that is an operation's id; null where it is none. */
export function parseOperationId(text: string): OperationName | null {
  const [, run = "", second = "", idLow = ""] = PATTERN.exec(text) ?? [];
  const name = { run, second: parseInt(second, 36), idLow: parseInt(idLow, 36) };
  return run !== "" && name.second <= MAX_WORD && name.idLow <= MAX_WORD ? name : null;
}

/**
 * The time of an operation's acceptance as its id has it, in s.
 *
 * @param zero what times of acceptance count from, in ms
 */
export function acceptedSecond(acceptedAt: number, zero: number): number {
  return ((acceptedAt + zero) / 1000) >>> 0;
}
