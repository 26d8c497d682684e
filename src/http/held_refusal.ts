import type { HttpError } from "./http_error.ts";

/** A refusal that its caller waits for: what a failed login costs. */
export class HeldRefusal {
  #timer: number | undefined;
  #tell: (() => void) | null = null;

  /** Tells it when its delay is over, or at once where it has none. */
  hold(error: HttpError, refuse: (error: HttpError) => void, flush: () => void): void {
    if (error.delay === 0) return refuse(error);
    this.#tell = () => refuse(error);
    this.#timer = setTimeout(() => {
      this.tell();
      flush();
    }, error.delay);
  }

  /** Tells it now, where it waits. */
  tell(): void {
    const tell = this.#tell;
    this.drop();
    tell?.();
  }

  /** Tells it no more. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#tell = null;
  }
}
