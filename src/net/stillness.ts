/** For how long something has been what it was. */
export class Stillness {
  #kind = "";
  #count = 0;
  #since = 0;

  /** Whether that is what was seen for so long already, in ms; 0 is never. What has no kind is never the same. */
  lasts(kind: string, count: number, time: number, timeout: number): boolean {
    if (kind === "" || kind !== this.#kind || count !== this.#count) {
      this.#kind = kind;
      this.#count = count;
      this.#since = time;
      return false;
    }
    return timeout > 0 && time - this.#since >= timeout;
  }
}
