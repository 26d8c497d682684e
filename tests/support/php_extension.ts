import { HAS_PHP, PHP_NOTE } from "./php.ts";

/** A test of the functions of the PHP extension, with a folder of its own. */
export function extensionTest(
  name: string,
  fn: (folder: string, t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name: `the PHP extension's functions: ${name}${PHP_NOTE}`,
    ignore: !HAS_PHP,
    fn: async (t) => {
      const folder = await Deno.makeTempDir();
      try {
        await fn(folder, t);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Writes a client.hdf, and says to PHP where it is. */
export async function clientConfig(folder: string, text: string): Promise<{ env: Record<string, string> }> {
  const path = `${folder}/client.hdf`;
  await Deno.writeTextFile(path, text);
  return { env: { MEVENT_CLIENT_CONFIG: path } };
}

/** A server of client.hdf. */
export const serverBlock = (type: string, port: number, more = "") =>
  `{\ntype = ${type}\nip = 127.0.0.1\nport = ${port}\nnet_timeout_s = 30\n${more}\n}`;
