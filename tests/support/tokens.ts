import { TomlDate } from "smol-toml";
import { hashOfToken, hashText, tokenOf } from "../../src/auth/token.ts";
import { ReplyCode } from "../../src/protocol/codes.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import type { RawConnection } from "./raw_connection.ts";
import { streamRequest } from "./requests.ts";

/** A token, and its table in the config. */
export interface TestToken {
  readonly token: string;
  readonly table: Readonly<Record<string, unknown>>;
}

/** A token with these rights; `expires` in ms from now. */
export function testToken(
  name: string,
  rights: readonly string[],
  { expires, rate }: { readonly expires?: number; readonly rate?: string } = {},
): TestToken {
  const token = tokenOf(crypto.getRandomValues(new Uint8Array(32)));
  return {
    token,
    table: {
      name,
      hash: hashText(hashOfToken(token)),
      rights,
      ...expires === undefined ? {} : { expires: new TomlDate(new Date(Date.now() + expires).toISOString()) },
      ...rate === undefined ? {} : { rate },
    },
  };
}

/** Asks to log in, and returns the answer. */
export async function login(connection: RawConnection, token: string): Promise<Reply> {
  await connection.send(loginRequest(token));
  return await connection.reply();
}

export function loginRequest(token: string): Uint8Array {
  return streamRequest({ id: 7, plugin: "Reserve.Auth", command: 1, params: { token } });
}

/** Logs in; throws where that is refused. */
export async function loggedIn(connection: RawConnection, token: string): Promise<RawConnection> {
  const { code } = await login(connection, token);
  if (code !== ReplyCode.Ok) throw new Error(`the login was answered ${code}`);
  return connection;
}
