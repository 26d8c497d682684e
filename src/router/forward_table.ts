import type { Caller } from "./caller.ts";

/** Hands requests on to another server. */
export interface RequestForwarder {
  /** Takes over a message without its prefix; its caller is answered once. */
  forward(caller: Caller, sync: boolean, id: number, bytes: Uint8Array, at: number, length: number): void;
}

/** Which requests another server answers. */
export interface ForwardTable {
  /** By the name that the request has at `at`; null where it is none of them. */
  find(bytes: Uint8Array, at: number, length: number): RequestForwarder | null;
}
