/** Why a request is not done: it is no right one, it names what is not there, or the server's state does not allow it now. */
export type RefusalKind = "wrong" | "unknown" | "conflict";

/** A request that is not done; the message is the sentence that its sender is told. */
export class ControlRefusal extends Error {
  override readonly name = "ControlRefusal";

  constructor(message: string, readonly kind: RefusalKind = "conflict") {
    super(message);
  }
}
