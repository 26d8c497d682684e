import { MAX_REQUEST_ID } from "../protocol/request.ts";

/** Gives out request ids: 1 to 2^28-1, then from 1 again. */
export class RequestIds {
  constructor(private last = 0) {}

  /** The next id that is not in use; fewer than all must be. */
  next(inUse: { has(id: number): boolean }): number {
    do this.last = this.last >= MAX_REQUEST_ID ? 1 : this.last + 1; while (inUse.has(this.last));
    return this.last;
  }
}
