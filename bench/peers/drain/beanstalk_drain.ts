import { type DrainProtocol, QUEUE } from "./drain_protocol.ts";
import { afterLine, lineAt } from "./lines.ts";

/** Questions that are on their way; more bring nothing. */
const UNDER_WAY = 8;
const encoder = new TextEncoder();

/** `reserve` answers `RESERVED id length` and the bytes; each is deleted. */
export class BeanstalkDrain implements DrainProtocol {
  count = 0;
  readonly #ask = "reserve\r\n";
  readonly first = encoder.encode(`watch ${QUEUE}\r\n${this.#ask.repeat(UNDER_WAY)}`);

  take(bytes: Uint8Array): { taken: number; next: Uint8Array } {
    let taken = 0;
    let next = "";
    for (;;) {
      let end = afterLine(bytes, taken);
      if (end < 0) break;
      const line = lineAt(bytes, taken);
      const [word, id, length] = line.split(" ");
      if (word === "RESERVED") {
        end += Number(length) + 2;
        if (end > bytes.length) break;
        next += `delete ${id}\r\n${this.#ask}`;
      } else if (word === "DELETED") this.count++;
      // What is reserved is soon given to others, as it was not deleted yet: those that are on their way do that.
      else if (word === "DEADLINE_SOON") next += this.#ask;
      else if (word !== "WATCHING") throw new Error(`beanstalkd answers ${line}`);
      taken = end;
    }
    return { taken, next: encoder.encode(next) };
  }
}
