import type { Context, JsonValue } from "mevent/plugin";
import { stringifyJson } from "../../src/exact_json.ts";
import { isTable } from "../config_table.ts";
import type { RequestSettings, WebhookSettings } from "./settings.ts";

/** Without a dot: the signed text is joined with it. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,128}$/;
const NOT_IN_HEADER = /[^\t\x20-\x7e]/;
const UNKNOWN_TARGET = 41;
const JSON_TYPE = "application/json";
const encoder = new TextEncoder();

/** Where an operation is to be delivered to. */
export interface Target {
  /** As it is named in sentences: never the URL, whose path may be a secret. */
  readonly name: string;
  readonly url: URL;
  readonly settings: RequestSettings;
}

/** What an operation has to deliver. */
export interface Content {
  /** The same in all attempts. */
  readonly id: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The endpoint that the params name, or the URL where the config allows its host. Throws the operation's error. */
export function targetOf(context: Context<unknown>, settings: WebhookSettings): Target {
  const { params } = context;
  const refuse = (what: string) => context.fail(UNKNOWN_TARGET, what, { retry: false });
  if (!params.has("url")) {
    const name = params.string("endpoint");
    const endpoint = settings.endpoints.get(name);
    if (endpoint === undefined) throw refuse(`there is no endpoint ${JSON.stringify(name)}`);
    return { name: `endpoint ${name}`, url: endpoint.url, settings: endpoint };
  }
  if (params.has("endpoint")) throw refuse("give either endpoint or url, not both");
  const url = URL.parse(params.string("url"));
  if (url === null) throw refuse("url is not a URL");
  if (url.username !== "" || url.password !== "") {
    throw refuse("url has a user or a password in it: requests carry none");
  }
  if (!settings.allowHosts.some((pattern) => pattern.matches(url))) {
    throw refuse(`${url.protocol}//${url.host} is none of the config's allow_hosts`);
  }
  url.hash = "";
  return { name: `host ${url.host}`, url, settings: settings.defaults };
}

/** Throws the operation's error. */
export function contentOf(context: Context<unknown>, target: Target, settings: WebhookSettings): Content {
  const { params } = context;
  const id = params.string("id", context.id);
  if (!ID.test(id)) {
    throw lasting(context, "id is to be 1 to 128 visible ASCII characters, none of them a dot");
  }
  const headers = new Headers({
    "content-type": JSON_TYPE,
    "user-agent": "mevent",
    ...target.settings.headers,
  });
  const own = params.value("headers", {});
  if (!isTable(own)) throw lasting(context, "headers are to be an object of texts");
  for (const [name, value] of Object.entries(own)) {
    if (!settings.allowHeaders.has(name.toLowerCase())) {
      throw lasting(
        context,
        `header ${JSON.stringify(name.slice(0, 64))} is none of the config's allow_headers`,
      );
    }
    if (typeof value !== "string" || NOT_IN_HEADER.test(value)) {
      throw lasting(context, `header ${name} is to be plain printable text`);
    }
    headers.set(name, value);
  }
  const body = bodyOf(context, headers);
  return { id, headers, body };
}

function bodyOf(context: Context<unknown>, headers: Headers): Uint8Array<ArrayBuffer> {
  // A null that is given is a value like others.
  const body: JsonValue = context.params.has("body") ? context.params.exact("body", null) : {};
  const type = headers.get("content-type") ?? "";
  if (/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) return encoder.encode(stringifyJson(body));
  if (typeof body !== "string") throw lasting(context, `body is to be a text: its content type is ${type}`);
  return encoder.encode(body);
}

function lasting(context: Context<unknown>, what: string): Error {
  return context.fail(UNKNOWN_TARGET, what, { retry: false });
}
