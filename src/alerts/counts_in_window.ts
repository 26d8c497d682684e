/** Samples that a window is made of: what it counts is that much of it too long at most. */
const SAMPLES = 60;

/** How much counters that only grow have grown within a time, from now back. */
export class CountsInWindow {
  #samples: { readonly time: number; readonly counts: readonly number[] }[] = [];

  /**
   * What each counter has grown by within the window.
   *
   * @param counts as they stand now; counters that are less than before have begun anew
   * @param now monotonic, in ms
   * @param window in ms
   */
  look(counts: readonly number[], now: number, window: number): number[] {
    const samples = this.#samples;
    const newest = samples.at(-1);
    if (newest !== undefined && newest.counts.some((count, at) => count > (counts[at] ?? 0))) {
      // Of a plugin that was removed and added again: all that it has counted is new.
      samples.splice(0, samples.length, { time: now, counts: counts.map(() => 0) });
    } else if (newest === undefined || now - newest.time >= window / SAMPLES) {
      samples.push({ time: now, counts: [...counts] });
    }
    // The oldest is the last one that is not within the window.
    while (samples.length > 1 && samples[1]!.time <= now - window) samples.shift();
    return counts.map((count, at) => count - samples[0]!.counts[at]!);
  }
}
