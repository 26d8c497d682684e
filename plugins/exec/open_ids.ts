const NUL = 0;
const QUOTE = 34;
const APOSTROPHE = 39;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const EQUALS = 61;
const GREATER = 62;
const BACKSLASH = 92;
const LETTER_D = 100;
const LETTER_I = 105;
const OPEN = 123;
const CLOSE = 125;
const PART_OF_NUMBER_OR_NAME = /[\w.+-]/;
const MAX_DIGITS = 15;
/** What stands in a text of JSON is taken for an answer where nothing else is. */
const DEPTH_OF_TEXTS = 1_000_000;

/** Where in `"id": 17` the bytes are. */
enum At {
  Elsewhere,
  AfterQuote,
  AfterI,
  AfterD,
  AfterKey,
  AfterEquals,
  AfterColon,
  Digits,
}

/**
 * Finds the operations that bytes are about which are no JSON that could be used: debugging output with an answer in it, one
 * with NaN, over several lines, written as JSON twice, in UTF-16, or too long. Looks for `"id": 17`, `"id": "17"`, `'id': 17` and
 * `"id" => 17` anywhere; of several, those that the fewest braces are around, for the others are somebody's data.
 */
export class OpenIds {
  readonly #found = new Set<number>();
  #foundDepth = Infinity;
  #at = At.Elsewhere;
  /** The quote that the key stands in. */
  #quote = 0;
  #isInText = false;
  #number = 0;
  #digits = 0;
  #isInString = false;
  #isEscaped = false;
  #depth = 0;

  /** @param isOpen whether there is an operation with that id */
  constructor(readonly isOpen: (id: number) => boolean) {}

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      // Every other one in UTF-16.
      if (byte === NUL) continue;
      this.#step(byte);
      this.#nest(byte);
    }
  }

  /** There is no more; the ids. */
  end(): readonly number[] {
    if (this.#at === At.Digits) this.#take();
    return [...this.#found];
  }

  #step(byte: number): void {
    const isQuote = byte === QUOTE || byte === APOSTROPHE;
    switch (this.#at) {
      case At.AfterQuote:
        if (byte === LETTER_I) return void (this.#at = At.AfterI);
        break;
      case At.AfterI:
        if (byte === LETTER_D) return void (this.#at = At.AfterD);
        break;
      case At.AfterD:
        if (byte === BACKSLASH) return;
        if (byte === this.#quote) return void (this.#at = At.AfterKey);
        break;
      case At.AfterKey:
        if (isSpace(byte)) return;
        if (byte === COLON) return this.#expectNumber();
        if (byte === EQUALS) return void (this.#at = At.AfterEquals);
        break;
      case At.AfterEquals:
        if (byte === GREATER) return this.#expectNumber();
        break;
      case At.AfterColon:
        if (isSpace(byte) || isQuote || byte === BACKSLASH) return;
        if (isDigit(byte)) return this.#digit(byte);
        break;
      case At.Digits:
        if (isDigit(byte)) return this.#digit(byte);
        if (!PART_OF_NUMBER_OR_NAME.test(String.fromCharCode(byte))) this.#take();
        break;
    }
    this.#at = isQuote ? At.AfterQuote : At.Elsewhere;
    if (!isQuote) return;
    this.#quote = byte;
    this.#isInText = this.#isEscaped;
  }

  #expectNumber(): void {
    this.#at = At.AfterColon;
    this.#number = 0;
    this.#digits = 0;
  }

  #digit(byte: number): void {
    this.#at = At.Digits;
    this.#number = this.#number * 10 + byte - ZERO;
    this.#digits++;
  }

  #take(): void {
    const depth = this.#isInText ? DEPTH_OF_TEXTS : this.#depth;
    if (this.#digits > MAX_DIGITS || !this.isOpen(this.#number) || depth > this.#foundDepth) return;
    if (depth < this.#foundDepth) this.#found.clear();
    this.#foundDepth = depth;
    this.#found.add(this.#number);
  }

  /** Counts the braces around, those in texts not. */
  #nest(byte: number): void {
    const isEscaped = this.#isEscaped;
    this.#isEscaped = byte === BACKSLASH && !isEscaped;
    if (byte === QUOTE && !isEscaped) this.#isInString = !this.#isInString;
    else if (this.#isInString) return;
    else if (byte === OPEN) this.#depth++;
    else if (byte === CLOSE && this.#depth > 0) this.#depth--;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
