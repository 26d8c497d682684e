import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";

/** The admin API of a server, in the name of whoever has a token. */
export class AdminApi {
  /** @param headers of every request: those of a browser, a token */
  constructor(readonly url: string, readonly headers: Readonly<Record<string, string>> = {}) {}

  withToken(token: string): AdminApi {
    return new AdminApi(this.url, { ...this.headers, authorization: `Bearer ${token}` });
  }

  get(path: string): Promise<Response> {
    return fetch(this.url + path, { headers: this.headers });
  }

  post(path: string, body: JsonObject | string = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...this.headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** The answer to a question; throws where that is refused. */
  async read(path: string): Promise<JsonObject> {
    return await answerOf(await this.get(path), 200);
  }

  /** The answer to a change. */
  async change(path: string, body: JsonObject = {}, status = 200): Promise<JsonObject> {
    return await answerOf(await this.post(path, body), status);
  }
}

/** The JSON of a response of that status; throws where it is another one. */
export async function answerOf(response: Response, status: number): Promise<JsonObject> {
  const text = await response.text();
  assertEquals(response.status, status, text);
  return JSON.parse(text);
}
