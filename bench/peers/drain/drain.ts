import { BeanstalkDrain } from "./beanstalk_drain.ts";
import type { DrainProtocol } from "./drain_protocol.ts";
import { GearmanDrain } from "./gearman_drain.ts";
import { RedisDrain } from "./redis_drain.ts";

const BUFFER_BYTES = 256 * 1024;

/**
 * The ways to take entries out of a queue, by what is sent for that; each with the number of connections that takes out most, of 1
 * to 200. beanstalkd serves its connections in turns, a command each, so it wants as many as those that put in.
 */
const PROTOCOLS = {
  BRPOP: { consumers: 4, start: () => RedisDrain.one() },
  BLMPOP: { consumers: 4, start: () => RedisDrain.many() },
  reserve: { consumers: 50, start: () => new BeanstalkDrain() },
  GRAB_JOB: { consumers: 16, start: () => new GearmanDrain() },
} as const satisfies Record<string, { consumers: number; start: () => DrainProtocol }>;

export type DrainName = keyof typeof PROTOCOLS;

/** Takes out of a queue what others put into it, as fast as it comes, and counts that. */
export class Drain implements AsyncDisposable {
  private constructor(readonly consumers: readonly Consumer[]) {}

  /** Begins with it. */
  static async start(name: DrainName, port: number): Promise<Drain> {
    const consumers: Consumer[] = [];
    const { consumers: count, start } = PROTOCOLS[name];
    for (let i = 0; i < count; i++) {
      consumers.push(new Consumer(await Deno.connect({ hostname: "127.0.0.1", port }), start()));
    }
    return new Drain(consumers);
  }

  /** What was taken out so far. Throws what ended a consumer. */
  get count(): number {
    return this.consumers.map(({ count }) => count).reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const consumer of this.consumers) await consumer[Symbol.asyncDispose]();
  }
}

class Consumer implements AsyncDisposable {
  readonly #reading: Promise<void>;
  #problem: Error | null = null;
  #isOver = false;

  constructor(readonly connection: Deno.TcpConn, readonly protocol: DrainProtocol) {
    this.#reading = this.#read().catch((error: unknown) => {
      if (!this.#isOver) this.#problem = error instanceof Error ? error : new Error(String(error));
    });
  }

  get count(): number {
    if (this.#problem !== null) throw this.#problem;
    return this.protocol.count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    let buffer = new Uint8Array(BUFFER_BYTES);
    let length = 0;
    await this.#write(this.protocol.first);
    for (;;) {
      const count = await this.connection.read(buffer.subarray(length));
      if (count === null) throw new Error("the server closed the connection of a consumer");
      length += count;
      const { taken, next } = this.protocol.take(buffer.subarray(0, length));
      buffer.copyWithin(0, taken, length);
      length -= taken;
      if (length === buffer.length) {
        const larger = new Uint8Array(2 * length);
        larger.set(buffer);
        buffer = larger;
      }
      if (next.length > 0) await this.#write(next);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
  }
}
