/** How a stop went. */
export interface StopReport {
  /** Operations that were still in the queues when the stop began. */
  readonly pending: number;
  /** Those of them that were given up when the time was over. */
  readonly abandoned: number;
}
