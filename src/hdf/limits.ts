/** What a hostile text may cost; a text over one of them is an HdfError. */
export interface HdfLimits {
  /** Levels under the root; `a.b.c = 1` has three. */
  readonly depth: number;
  /** Nodes made, those that copies and links make included. */
  readonly nodes: number;
  /** UTF-16 units of names, types and values that copies and links repeat. */
  readonly copied: number;
}

/** The limits where a caller gives none. */
export const HDF_LIMITS: HdfLimits = { depth: 64, nodes: 100_000, copied: 1_048_576 };
