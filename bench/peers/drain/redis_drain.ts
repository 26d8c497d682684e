import { type DrainProtocol, QUEUE } from "./drain_protocol.ts";
import { afterLine, lineAt, numberAt } from "./lines.ts";

/** Questions for one entry each that are on their way. */
const UNDER_WAY = 200;
/** Entries that are asked for at once, where that is possible, and such questions on their way. */
const AT_ONCE = 100;
const BULKS_UNDER_WAY = 8;
const STAR = 0x2a;
const DOLLAR = 0x24;
const encoder = new TextEncoder();

function command(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

/** Both commands answer with the list's name and then an entry, or a list of them. */
export class RedisDrain implements DrainProtocol {
  count = 0;
  readonly first: Uint8Array;

  private constructor(readonly ask: string, underWay: number) {
    this.first = encoder.encode(ask.repeat(underWay));
  }

  /** One entry for each command; it waits where there is none. */
  static one(): RedisDrain {
    return new RedisDrain(command("BRPOP", QUEUE, "0"), UNDER_WAY);
  }

  /** Up to a hundred for each. */
  static many(): RedisDrain {
    return new RedisDrain(
      command("BLMPOP", "0", "1", QUEUE, "RIGHT", "COUNT", String(AT_ONCE)),
      BULKS_UNDER_WAY,
    );
  }

  take(bytes: Uint8Array): { taken: number; next: Uint8Array } {
    let taken = 0;
    let answers = 0;
    while (taken < bytes.length) {
      if (bytes[taken] !== STAR) throw new Error(`redis answers ${lineAt(bytes, taken)}`);
      const name = endOf(bytes, afterLine(bytes, taken));
      const end = endOf(bytes, name);
      if (end < 0) break;
      const isList = bytes[name] === STAR;
      this.count += isList ? numberAt(bytes, name + 1) : 1;
      taken = end;
      answers++;
    }
    return { taken, next: encoder.encode(this.ask.repeat(answers)) };
  }
}

/** Where the string, or the list of strings, ends that begins at `at`; -1 where it is not whole, or `at` is -1. */
function endOf(bytes: Uint8Array, at: number): number {
  if (at < 0 || at >= bytes.length) return -1;
  if (bytes[at] !== STAR && bytes[at] !== DOLLAR) throw new Error(`redis answers ${lineAt(bytes, at)}`);
  let end = afterLine(bytes, at);
  if (bytes[at] === DOLLAR) {
    end = end < 0 ? -1 : end + numberAt(bytes, at + 1) + 2;
    return end > bytes.length ? -1 : end;
  }
  if (end < 0) return -1;
  for (let left = numberAt(bytes, at + 1); left > 0 && end >= 0; left--) end = endOf(bytes, end);
  return end;
}
