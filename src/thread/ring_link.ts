import { type RingMemory, type RingReader, RingWriter } from "../ring/ring.ts";

/**
 * What goes over the link, both ways alike; words of 4 bytes in the machine's order, as both ends are one machine:
 *
 * ```
 * 0      1      2  4        8      12
 * | kind | ring | 0 | length | word | payload |
 * ```
 *
 * A piece of a ring says in `word` at which position it lies; both ends have rings of one capacity, so it goes to the
 * same place. A tail says in `word` up to where a ring was read. Texts are JSON, in pieces where they are long.
 */
const HEADER_BYTES = 12;
const RING_PIECE = 1;
const RING_END = 2;
const TAIL = 3;
const TEXT_PIECE = 4;
const TEXT_END = 5;

/** Bytes that are sent or read at once, and so of the longest frame. */
const BUFFER_BYTES = 256 * 1024;
/** What the first ring may take of it while the second has something too. */
const FIRST_SHARE_BYTES = BUFFER_BYTES * 3 / 4;
/** Texts that wait to be sent, and the longest text, in bytes. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

export interface LinkEvents {
  /** What has come in one read is in the rings. */
  arrived(): void;
  text(text: string): void;
  /** Nothing goes over it any more; `reason` where it was not the other end that closed. */
  ended(reason: string | null): void;
}

interface WaitingText {
  readonly bytes: Uint8Array;
  sent: number;
  /** It goes after what was in the rings before it. */
  readonly after: readonly number[];
}

/**
 * Mirrors rings over a socket: what is published in the outgoing ones appears at the same place of those at the other
 * end, and what is read there makes room here. So nothing waits anywhere but in the rings, which are bounded.
 */
export class RingLink {
  readonly #outgoing: readonly [RingReader, RingReader];
  readonly #incoming: readonly [RingWriter, RingWriter];
  readonly #toldTails: [number, number] = [0, 0];
  readonly #texts: WaitingText[] = [];
  #textBytes = 0;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  readonly #out = new Uint8Array(BUFFER_BYTES);
  readonly #outView = new DataView(this.#out.buffer);
  #writing = false;
  #ended = false;
  readonly #wake = () => this.flush();

  constructor(
    readonly conn: Deno.Conn,
    /** Another thread writes the outgoing rings: their bell wakes the link. Otherwise {@link flush} does. */
    readonly hearsBell: boolean,
    outgoing: readonly [RingReader, RingReader],
    incoming: readonly [RingMemory, RingMemory],
    readonly events: LinkEvents,
  ) {
    this.#outgoing = outgoing;
    this.#incoming = [new RingWriter(incoming[0]), new RingWriter(incoming[1], incoming[0])];
  }

  /** Begins to read and to send. */
  start(): void {
    this.#read();
    this.flush();
  }

  /** Whether what lies at that position of an outgoing ring has been sent. */
  isSent(ring: 0 | 1, position: number): boolean {
    return ((position - this.#outgoing[ring].position) | 0) < 0;
  }

  /** Sends a text after all that is in the rings. */
  send(text: string): void {
    if (this.#ended) return;
    const bytes = new TextEncoder().encode(text);
    this.#textBytes += bytes.length;
    if (this.#textBytes > MAX_TEXT_BYTES) {
      return this.#end(`more than ${MAX_TEXT_BYTES} bytes of messages wait to be sent`);
    }
    const after = this.#outgoing.map((ring) => (ring.position + ring.unread) >>> 0);
    this.#texts.push({ bytes, sent: 0, after });
    this.flush();
  }

  /** Sends what there is to send. */
  flush(): void {
    if (!this.#writing && !this.#ended) this.#write();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.hearsBell) this.#outgoing[0].abandon();
    this.conn.close();
  }

  #end(reason: string | null): void {
    if (this.#ended) return;
    this.close();
    this.events.ended(reason);
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (!this.#ended) {
        if (this.hearsBell) this.#outgoing[0].stayAwake();
        const length = this.#fill();
        if (length > 0) {
          for (let at = 0; at < length;) at += await this.conn.write(this.#out.subarray(at, length));
        } else if (!this.hearsBell || this.#outgoing[0].sleep(this.#wake, this.#outgoing[1])) break;
      }
    } catch {
      // The other end is gone, or the link was closed meanwhile: it reads no more either, which is told there.
    }
    this.#writing = false;
  }

  /** Fills the buffer with what there is to send; returns how much that is. */
  #fill(): number {
    const [first, second] = this.#outgoing;
    if (first.unread + second.unread + this.#texts.length === 0 && !this.#isRoomDue()) return 0;
    let at = this.#putTails();
    at = this.#putRing(0, at, second.unread > 0 ? FIRST_SHARE_BYTES : BUFFER_BYTES);
    at = this.#putRing(1, at, BUFFER_BYTES);
    return this.#putTexts(at);
  }

  /** Room is told along with other things, and by itself where it is much. */
  #isRoomDue(): boolean {
    return this.#incoming.some((ring, index) =>
      ((ring.tail - this.#toldTails[index === 0 ? 0 : 1]) >>> 0) >= ring.capacity / 4
    );
  }

  #putTails(): number {
    let at = 0;
    for (const index of [0, 1] as const) {
      const { tail } = this.#incoming[index];
      if (tail === this.#toldTails[index]) continue;
      this.#toldTails[index] = tail;
      at = this.#putHeader(at, TAIL, index, 0, tail);
    }
    return at;
  }

  #putRing(index: 0 | 1, at: number, end: number): number {
    const ring = this.#outgoing[index];
    while (ring.unread > 0 && end - at >= HEADER_BYTES + 4) {
      const { position } = ring;
      const length = ring.readRaw(this.#out, at + HEADER_BYTES, end - at - HEADER_BYTES);
      if (ring.isBroken) {
        this.#end("a ring holds what can be no records");
        return at;
      }
      at = this.#putHeader(at, ring.isWhole ? RING_END : RING_PIECE, index, length, position) + length;
    }
    return at;
  }

  #putTexts(at: number): number {
    for (let text = this.#texts[0]; text !== undefined; text = this.#texts[0]) {
      const isDue = this.#outgoing.every((ring, index) => ((ring.position - text!.after[index]!) | 0) >= 0);
      const length = Math.min(text.bytes.length - text.sent, BUFFER_BYTES - at - HEADER_BYTES);
      if (!isDue || length <= 0) return at;
      this.#out.set(text.bytes.subarray(text.sent, text.sent + length), at + HEADER_BYTES);
      text.sent += length;
      const isLast = text.sent === text.bytes.length;
      at = this.#putHeader(at, isLast ? TEXT_END : TEXT_PIECE, 0, length, 0) + length;
      this.#textBytes -= length;
      if (!isLast) return at;
      this.#texts.shift();
    }
    return at;
  }

  #putHeader(at: number, kind: number, ring: number, length: number, word: number): number {
    this.#outView.setUint32(at, kind | (ring << 8), true);
    this.#outView.setUint32(at + 4, length, true);
    this.#outView.setUint32(at + 8, word, true);
    return at + HEADER_BYTES;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    const view = new DataView(buffer.buffer);
    let filled = 0;
    try {
      for (;;) {
        const count = await this.conn.read(buffer.subarray(filled));
        if (count === null) break;
        filled += count;
        const used = this.#takeAll(buffer, view, filled);
        if (used < 0) return this.#end("it sent what is no message of mevent's");
        buffer.copyWithin(0, used, filled);
        filled -= used;
        this.events.arrived();
      }
    } catch {
      // Reset, or closed here: ended all the same.
    }
    this.#end(null);
  }

  /** Takes all frames that are complete; returns their bytes, or -1 where one is wrong. */
  #takeAll(buffer: Uint8Array, view: DataView, filled: number): number {
    let at = 0;
    while (filled - at >= HEADER_BYTES) {
      const length = view.getUint32(at + 4, true);
      if (length > BUFFER_BYTES - HEADER_BYTES) return -1;
      if (filled - at < HEADER_BYTES + length) break;
      const payload = buffer.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
      if (!this.#take(view.getUint8(at), view.getUint8(at + 1), view.getUint32(at + 8, true), payload)) {
        return -1;
      }
      at += HEADER_BYTES + length;
    }
    return at;
  }

  #take(kind: number, ring: number, word: number, payload: Uint8Array): boolean {
    if (ring > 1) return false;
    switch (kind) {
      case RING_PIECE:
        return this.#incoming[ring]!.takeOver(word, payload);
      case RING_END:
        if (!this.#incoming[ring]!.takeOver(word, payload)) return false;
        this.#incoming[ring]!.publish();
        return true;
      case TAIL:
        // Room is for what was sent and not read yet.
        if (!this.isSent(ring === 0 ? 0 : 1, (word - 1) >>> 0)) return false;
        this.#outgoing[ring]!.moveTail(word);
        return true;
      case TEXT_PIECE:
      case TEXT_END:
        return this.#takeText(payload, kind === TEXT_END);
      default:
        return false;
    }
  }

  #takeText(piece: Uint8Array, isLast: boolean): boolean {
    this.#receivedBytes += piece.length;
    if (this.#receivedBytes > MAX_TEXT_BYTES) return false;
    this.#received.push(piece.slice());
    if (!isLast) return true;
    const whole = new Uint8Array(this.#receivedBytes);
    let at = 0;
    for (const each of this.#received) {
      whole.set(each, at);
      at += each.length;
    }
    this.#received = [];
    this.#receivedBytes = 0;
    this.events.text(new TextDecoder().decode(whole));
    return true;
  }
}
