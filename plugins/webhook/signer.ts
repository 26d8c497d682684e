import { readNamedFile } from "../named_file.ts";
import type { SecretSource } from "./settings.ts";

const BASE64_SECRET = "whsec_";
const LEAST_SECRET_BYTES = 16;
const encoder = new TextEncoder();

/**
 * Signs requests as the Standard Webhooks specification has it: `v1,` and the HMAC-SHA256 of `id.timestamp.body`, for each
 * secret, with a space between them.
 */
export class Signer {
  private constructor(readonly keys: readonly CryptoKey[]) {}

  /** Null where there is no secret. Throws a sentence that does not tell it. */
  static async from(source: SecretSource): Promise<Signer | null> {
    if (source === null) return null;
    const keys = source.values.map(async (value, index) => {
      const name = source.values.length === 1 ? source.key : `${source.key}[${index}]`;
      return await keyOf(bytesOf(await secretOf(source.kind, value, name), name));
    });
    return new Signer(await Promise.all(keys));
  }

  /** @param timestamp in s since 1970 */
  async sign(id: string, timestamp: number, body: Uint8Array): Promise<string> {
    const head = encoder.encode(`${id}.${timestamp}.`);
    const signed = new Uint8Array(head.length + body.length);
    signed.set(head);
    signed.set(body, head.length);
    const signatures = this.keys.map(async (key) => {
      const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
      return `v1,${btoa(String.fromCharCode(...signature))}`;
    });
    return (await Promise.all(signatures)).join(" ");
  }
}

async function keyOf(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

async function secretOf(
  kind: NonNullable<SecretSource>["kind"],
  value: string,
  key: string,
): Promise<string> {
  if (kind === "text") return value;
  if (kind === "file") return (await readNamedFile(value, key)).trimEnd();
  const secret = Deno.env.get(value);
  if (secret === undefined || secret === "") {
    throw new Error(`${key}: the environment has no variable ${value}`);
  }
  return secret;
}

function bytesOf(secret: string, key: string): Uint8Array<ArrayBuffer> {
  let bytes = encoder.encode(secret);
  if (secret.startsWith(BASE64_SECRET)) {
    try {
      bytes = Uint8Array.from(atob(secret.slice(BASE64_SECRET.length)), (char) => char.charCodeAt(0));
    } catch {
      throw new Error(`${key} begins with ${BASE64_SECRET}, and is not base64 behind that`);
    }
  }
  if (bytes.length >= LEAST_SECRET_BYTES) return bytes;
  throw new Error(`${key} has ${bytes.length} bytes; a secret is to have ${LEAST_SECRET_BYTES} at least`);
}
