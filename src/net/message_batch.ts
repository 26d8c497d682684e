/** Bytes kept for a socket address: an IPv6 one has 28. */
export const ADDRESS_BYTES = 32;

/** struct mmsghdr and struct iovec on 64-bit Linux; offsets of what is written and read. */
const HEADER_BYTES = 64;
const NAME = 0;
const NAME_LENGTH = 8;
const VECTOR = 16;
const VECTOR_COUNT = 24;
const LENGTH = 56;
const VECTOR_BYTES = 16;

/**
 * The arguments of recvmmsg and sendmmsg: so many datagrams in one call. The kernel gets addresses of these buffers,
 * which stay where they are for as long as this object lives.
 *
 * ```
 * header i ──► address i (32 bytes)
 *         └──► vector i ──► data
 * ```
 */
export class MessageBatch {
  readonly headers: Uint8Array<ArrayBuffer>;
  readonly addresses: Uint8Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly #headers: DataView;
  readonly #vectors: DataView;
  readonly #dataAddress: bigint;

  constructor(readonly size: number, dataBytes: number) {
    this.headers = new Uint8Array(size * HEADER_BYTES);
    this.addresses = new Uint8Array(size * ADDRESS_BYTES);
    this.data = new Uint8Array(dataBytes);
    const vectors = new Uint8Array(size * VECTOR_BYTES);
    this.#headers = new DataView(this.headers.buffer);
    this.#vectors = new DataView(vectors.buffer);
    this.#dataAddress = addressOf(this.data);
    const names = addressOf(this.addresses);
    const vectorsAddress = addressOf(vectors);
    for (let i = 0; i < size; i++) {
      const at = i * HEADER_BYTES;
      this.#headers.setBigUint64(at + NAME, names + BigInt(i * ADDRESS_BYTES), true);
      this.#headers.setBigUint64(at + VECTOR, vectorsAddress + BigInt(i * VECTOR_BYTES), true);
      this.#headers.setBigUint64(at + VECTOR_COUNT, 1n, true);
    }
  }

  /** Says where the data of message `i` lies or goes, and how long its address is or may be. */
  point(i: number, at: number, length: number, addressLength: number): void {
    this.#vectors.setBigUint64(i * VECTOR_BYTES, this.#dataAddress + BigInt(at), true);
    this.#vectors.setUint32(i * VECTOR_BYTES + 8, length, true);
    this.setAddressLength(i, addressLength);
  }

  setAddressLength(i: number, length: number): void {
    this.#headers.setUint32(i * HEADER_BYTES + NAME_LENGTH, length, true);
  }

  addressLength(i: number): number {
    return this.#headers.getUint32(i * HEADER_BYTES + NAME_LENGTH, true);
  }

  /** Bytes that the kernel has put into message `i`. */
  length(i: number): number {
    return this.#headers.getUint32(i * HEADER_BYTES + LENGTH, true);
  }

  /** The headers from message `i` on. */
  from(i: number): Uint8Array<ArrayBuffer> {
    return i === 0 ? this.headers : this.headers.subarray(i * HEADER_BYTES);
  }
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
