/** Ask for some paths each second, as a scrape and an open page do; each of them on a connection of its own that is kept. */
export class Onlookers implements AsyncDisposable {
  /** Of the last answer to each path. */
  readonly bytes: number[];
  readonly #timers: number[];
  readonly #asked = new Set<Promise<void>>();

  constructor(url: string, paths: readonly string[]) {
    this.bytes = paths.map(() => 0);
    this.#timers = paths.map((path, at) => {
      const ask = () => {
        const asked = this.#ask(url + path, at).finally(() => this.#asked.delete(asked));
        this.#asked.add(asked);
      };
      ask();
      return setInterval(ask, 1000);
    });
  }

  async #ask(url: string, at: number): Promise<void> {
    const response = await fetch(url);
    const { byteLength } = await response.arrayBuffer();
    // The first second has no history yet.
    if (!response.ok && response.status !== 409) {
      throw new Error(`${url} is answered with ${response.status}`);
    }
    this.bytes[at] = byteLength;
  }

  /** Ends them; rejects where an answer was none. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#asked);
  }
}
