import { Chain, type Link } from "./chain.ts";
import type { Addressee } from "./record.ts";

/** What a key, a reply or a caller who waits costs beside its bytes; an estimate. */
const ENTRY_BYTES = 128;
/** Replies whose time is over that are forgotten at each look: more than one is added at a time. */
const SWEEP = 4;

export interface DedupLimits {
  /** How long a reply is remembered, in ms. */
  readonly window: number;
  readonly maxKeys: number;
  /** Bytes of keys, of replies and of callers who wait. */
  readonly maxBytes: number;
}

/** The operation that came first with its key has not ended. */
interface Pending {
  readonly key: string;
  readonly operation: number;
  /** When it was accepted; monotonic, in ms. NaN where that is not known. */
  readonly acceptedAt: number;
  /** Its caller waits for the result. */
  readonly sync: boolean;
  /** Callers who sent it again and wait for the result. */
  readonly waiters: Addressee[];
  /** One who sent it again does not wait, and was told that it is queued. */
  isPromised: boolean;
}

/** The reply of an operation that succeeded. */
export interface Remembered {
  /** Of the operation. */
  readonly id: number;
  /** When it was accepted; monotonic, in ms. NaN where that is not known. */
  readonly acceptedAt: number;
  readonly key: string;
  readonly code: number;
  /** 0 is a bare code. */
  readonly encoding: number;
  readonly content: Uint8Array;
  /** Monotonic, in ms. */
  readonly until: number;
}

/** Who keeps replies beyond the life of the server. */
export interface ReplyKeeper {
  /** Returns the id that it is kept under. */
  remembered(id: number, reply: Omit<Remembered, "id" | "acceptedAt">): number;
  /** Before its time. */
  forgotten(id: number): void;
}

/**
 * Knows operations by the keys that callers gave them. A key belongs to the first operation until that has ended; then
 * its reply is remembered for a while, or, where it failed, the key is free. The bounds are exact: where there is no room
 * the oldest replies are forgotten; keys of operations that have not ended are not.
 *
 * ```
 * free ──begin──► pending ──settle──► remembered ──window over, no room──► free
 *                    └──────drop───────────────────────────────────────────▲
 * ```
 */
export class Dedup {
  /** Operations that were answered as another. */
  deduplicated = 0;
  /** Replies that were forgotten before their time, for want of room. */
  forgotten = 0;
  bytes = 0;
  /** Null where replies are in memory alone. */
  keeper: ReplyKeeper | null = null;
  readonly #pending = new Map<string, Pending>();
  readonly #byOperation = new Map<number, Pending>();
  readonly #remembered = new Map<string, Link<Remembered>>();
  /** The same, the oldest first; all have the same time to live. */
  readonly #byAge = new Chain<Remembered>();

  constructor(public limits: DedupLimits) {}

  /** Keys of operations that have not ended. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Changes the bounds; what is over them goes. A window that has changed counts for the replies to come. */
  bound(limits: DedupLimits): void {
    this.limits = limits;
    this.#makeRoom(0, 0);
  }

  get keys(): number {
    return this.#pending.size + this.#remembered.size;
  }

  isPending(key: string): boolean {
    return this.#pending.has(key);
  }

  /** The reply of the operation that had this key within the window. */
  remembered(key: string, now: number): Remembered | null {
    this.#sweep(now);
    const reply = this.#remembered.get(key)?.value;
    return reply === undefined || reply.until <= now ? null : reply;
  }

  /** Whether one more caller may wait; makes the room for it. */
  admitsWaiter(): boolean {
    return this.#makeRoom(0, ENTRY_BYTES);
  }

  /** Lets a caller wait for the result of the pending operation with this key; {@link admitsWaiter} has said yes. */
  wait(key: string, addressee: Addressee): void {
    this.#pending.get(key)!.waiters.push(addressee);
    this.bytes += ENTRY_BYTES;
  }

  /** Notes that a caller who does not wait was told that the pending operation with this key is queued. */
  promise(key: string): void {
    this.#pending.get(key)!.isPromised = true;
  }

  /** The pending operation with this key. */
  pendingOf(key: string): Pick<Pending, "operation" | "acceptedAt" | "sync"> {
    return this.#pending.get(key)!;
  }

  /** Whether an operation has a key and has not ended. */
  hasPending(operation: number): boolean {
    return this.#byOperation.has(operation);
  }

  /** Whether that was noted for a pending operation. */
  isPromised(operation: number): boolean {
    return this.#byOperation.get(operation)?.isPromised === true;
  }

  /** Whether a key that is free may be taken; makes the room for it. */
  admits(key: string): boolean {
    const outdated = this.#remembered.get(key);
    if (outdated !== undefined) this.#forget(outdated);
    return this.#makeRoom(1, keyBytes(key));
  }

  /** The operation with this key was accepted; {@link admits} has said yes. */
  begin(key: string, operation: number, acceptedAt: number, sync: boolean): void {
    const pending: Pending = { key, operation, acceptedAt, sync, waiters: [], isPromised: false };
    this.#pending.set(key, pending);
    this.#byOperation.set(operation, pending);
    this.bytes += keyBytes(key);
  }

  /** The operation has succeeded: its reply is remembered. Returns who waits for it. */
  settle(operation: number, code: number, encoding: number, content: Uint8Array, now: number): Addressee[] {
    const pending = this.#end(operation);
    if (!this.#makeRoom(1, keyBytes(pending.key) + content.length)) this.forgotten++;
    else {
      const reply = { key: pending.key, code, encoding, content, until: now + this.limits.window };
      const id = this.keeper?.remembered(operation, reply) ?? operation;
      // What stands on disk for a sync operation was accepted later.
      const acceptedAt = id === operation ? pending.acceptedAt : NaN;
      this.#remember({ ...reply, id, acceptedAt });
    }
    return pending.waiters;
  }

  /** Remembers a reply again that was remembered before, where its key is free and there is room; else it is forgotten. */
  restore(reply: Remembered): void {
    const { id, key, content } = reply;
    const isFree = !this.#pending.has(key) && !this.#remembered.has(key);
    if (this.limits.window > 0 && isFree && this.#makeRoom(1, keyBytes(key) + content.length)) {
      return this.#remember(reply);
    }
    this.keeper?.forgotten(id);
    this.forgotten++;
  }

  #remember(reply: Remembered): void {
    const { key, content } = reply;
    this.#remembered.set(key, this.#byAge.add(reply));
    this.bytes += keyBytes(key) + content.length;
  }

  /** The operation has ended without success: its key is free. Returns who waits for it. */
  drop(operation: number): Addressee[] {
    return this.#end(operation).waiters;
  }

  #end(operation: number): Pending {
    const pending = this.#byOperation.get(operation)!;
    this.#byOperation.delete(operation);
    this.#pending.delete(pending.key);
    this.bytes -= keyBytes(pending.key) + pending.waiters.length * ENTRY_BYTES;
    return pending;
  }

  #makeRoom(keys: number, bytes: number): boolean {
    const { maxKeys, maxBytes } = this.limits;
    while (this.keys + keys > maxKeys || this.bytes + bytes > maxBytes) {
      const { oldest } = this.#byAge;
      if (oldest === null) return false;
      this.keeper?.forgotten(oldest.value.id);
      this.#forget(oldest);
      this.forgotten++;
    }
    return true;
  }

  #sweep(now: number): void {
    for (let count = 0; count < SWEEP; count++) {
      const { oldest } = this.#byAge;
      if (oldest === null || oldest.value.until > now) return;
      this.#forget(oldest);
    }
  }

  #forget(link: Link<Remembered>): void {
    const { key, content } = link.value;
    this.#byAge.remove(link);
    this.#remembered.delete(key);
    this.bytes -= keyBytes(key) + content.length;
  }
}

/** JavaScript keeps texts as UTF-16 at most. */
function keyBytes(key: string): number {
  return ENTRY_BYTES + 2 * key.length;
}
