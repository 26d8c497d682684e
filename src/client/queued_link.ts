import type { Link, LinkEvents } from "./link.ts";

/** What links have alike: messages wait their turn while others are being sent, and a link ends once. */
export abstract class QueuedLink implements Link {
  abstract readonly prefixed: boolean;
  abstract readonly maxMessageBytes: number;
  waitingBytes = 0;
  /** Taken over, and not being sent yet. */
  protected waiting: Uint8Array[] = [];
  protected sending: Promise<void> | undefined;
  protected isClosed = false;

  constructor(readonly events: LinkEvents) {}

  abstract close(): Promise<void>;
  /** Sends what waits, until nothing does; never rejects. */
  protected abstract sendWaiting(): Promise<void>;
  protected abstract closeSocket(): void;

  send(message: Uint8Array): void {
    if (this.isClosed) return;
    this.waiting.push(message);
    this.waitingBytes += message.length;
    this.sending ??= this.sendWaiting();
  }

  /** Ends it because it has failed, and tells its owner why. */
  protected lose(why: string): void {
    if (this.isClosed) return;
    this.end();
    this.events.lost(why);
  }

  protected end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.waiting = [];
    this.closeSocket();
  }
}
