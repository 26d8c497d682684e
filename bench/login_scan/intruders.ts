import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { readReply } from "../../src/protocol/reply.ts";
import { writeRequest } from "../../src/protocol/request.ts";

/** Callers that a server should not have: what each sends, and how its answer is read. */
export interface Intruder {
  /** What it tries, for messages. */
  readonly tries: string;
  /** What the server answers each of them, by {@link answer}. */
  readonly due: readonly number[];
  message(): Uint8Array<ArrayBuffer>;
  /** A number that tells the answer. */
  answer(bytes: Uint8Array): number;
}

/** What begins a record of a TLS handshake. */
const HANDSHAKE = 22;

/** Logs in over the wire; the answer is the reply's code. */
export function wireIntruder(token: () => string): Intruder {
  return {
    tries: "wrong tokens over the wire",
    due: [13],
    message() {
      const body = encodeBody(Encoding.Json, { token: token() });
      return new Uint8Array(
        writeRequest({ id: 1, command: 1, sync: true, plugin: "Reserve.Auth", body }, true),
      );
    },
    answer: (bytes) => readReply(bytes.subarray(4)).code,
  };
}

/** Calls a plugin over HTTP; the answer is the status. */
export function httpIntruder(token: () => string): Intruder {
  return {
    tries: "wrong tokens over HTTP",
    due: [401, 429],
    message: () =>
      new TextEncoder().encode(
        `POST /v1/witness/1001 HTTP/1.1\r\nHost: mevent\r\nAuthorization: Bearer ${token()}\r\n` +
          "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
      ),
    answer: (bytes) => Number(new TextDecoder().decode(bytes.subarray(9, 12))),
  };
}

/**
 * Begins handshakes, has the server do its part, the costly one, and goes: all say the same, so it costs nothing but a connection. The
 * answer is the type of the record.
 */
export async function handshakeIntruder(): Promise<Intruder> {
  const hello = await clientHello();
  return { tries: "handshakes", due: [HANDSHAKE], message: () => hello, answer: (bytes) => bytes[0]! };
}

/** The first bytes of this runtime's own TLS. */
async function clientHello(): Promise<Uint8Array<ArrayBuffer>> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connectTls({ hostname: "127.0.0.1", port: listener.addr.port });
  const shaking = connecting.then((conn) => conn.handshake().catch(() => {}).finally(() => conn.close()));
  using socket = await listener.accept();
  const bytes = new Uint8Array(4096);
  const count = await socket.read(bytes);
  socket.close();
  await shaking;
  return bytes.slice(0, count ?? 0);
}
