/** What every POST takes beside its own members: `{}` is enough for most. */
export interface Change {
  /** Tells what would be done, and does nothing. */
  readonly dry_run?: boolean;
}
