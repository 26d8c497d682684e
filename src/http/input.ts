/** A buffer's first size, in bytes. */
const FIRST_BYTES = 2048;
/** The most that an emptied one keeps, and what one read takes of a long body; in bytes. */
const KEPT_BYTES = 64 * 1024;
/** A request gets at most so many times the room of what has come of it: announcing a long one costs the caller its bytes. */
const ROOM_FACTOR = 4;

/** What a connection has read and not used yet: the bytes from `at` to `end`. */
export class Input {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  at = 0;
  end = 0;

  get pending(): number {
    return this.end - this.at;
  }

  /**
   * Room for the next read, at least one byte; moves what is pending.
   *
   * @param needed bytes that what is pending will have when it is whole, 0 where nobody knows
   */
  space(needed: number): Uint8Array<ArrayBuffer> {
    const { pending } = this;
    let wanted = this.bytes.length;
    if (pending === 0 && wanted > KEPT_BYTES) wanted = FIRST_BYTES;
    if (this.end === this.bytes.length && wanted < KEPT_BYTES) wanted *= 2;
    wanted = Math.max(wanted, Math.min(needed, Math.max(pending * ROOM_FACTOR, KEPT_BYTES)));
    while (wanted <= pending) wanted *= 2;
    if (wanted !== this.bytes.length) {
      const moved = new Uint8Array(wanted);
      moved.set(this.bytes.subarray(this.at, this.end));
      this.bytes = moved;
    } else if (this.at > 0) this.bytes.copyWithin(0, this.at, this.end);
    this.at = 0;
    this.end = pending;
    return pending === 0 ? this.bytes : this.bytes.subarray(pending);
  }

  /** Says how many bytes the read put into {@link space}. */
  received(count: number): void {
    this.end += count;
  }
}
