/** What loadgen puts its entries into. */
export const QUEUE = "echo";
/** How one consumer takes entries out of a queue, each for good, with many requests on their way. */
export interface DrainProtocol {
  /** What was taken out. */
  readonly count: number;
  /** What it sends at first. */
  readonly first: Uint8Array;
  /**
   * Reads the whole answers at the front of the bytes; returns how many bytes they have and what is sent next. Throws where an
   * answer says that something is wrong.
   */
  take(bytes: Uint8Array): { readonly taken: number; readonly next: Uint8Array };
}
