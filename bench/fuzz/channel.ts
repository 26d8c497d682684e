/** A way by which spoiled messages reach the server. */
export interface Channel {
  /** Messages sent. */
  readonly messages: number;
  /** Replies that came. */
  readonly replies: number;
  /** Sends what there is room for now and reads what has come, without waiting. Throws IllFormedReply. */
  turn(): void;
  close(): void;
}
