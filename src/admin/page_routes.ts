import { gunzipSync } from "node:zlib";
import { ASSETS_PATH } from "../http/authorize.ts";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http_error.ts";
import { problem } from "../http/problem_response.ts";
import type { RequestHead } from "../http/request_head.ts";
import type { Route } from "../http/route.ts";
import type { JsonObject } from "../plugin.ts";
import { later } from "./answer_later.ts";
import type { PackedFile, PackedPage } from "./packed_page.ts";

/** Nothing but what this server sends is run, shown or asked, nothing is written into the page, and no other page has it in a frame. */
const POLICY = [
  "default-src 'none'",
  ...["script", "style", "img", "font", "connect", "manifest"].map((kind) => `${kind}-src 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SAFE = {
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
  Vary: "Accept, Accept-Encoding",
};
const OF_PAGE = {
  ...SAFE,
  "Cache-Control": "no-cache",
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};
/** Their address changes with their content. */
const OF_ASSETS = { ...SAFE, "Cache-Control": "public, max-age=31536000, immutable" };

const ENTRY = {
  mevent: "the page for those who run this server is for browsers",
  description: "openapi.json",
  stats: "api/v1/stats",
  metrics: "metrics",
};

/** The server's own page and what it loads: to everybody, for there is nothing in them that is not in every mevent. */
export function pageRoutes(page: () => Promise<PackedPage>): Route[] {
  return [
    {
      method: "GET",
      path: "/",
      description: {
        operationId: "page",
        summary:
          "The page for those who run the server; where Accept does not name text/html, where all else is",
        tags: ["admin"],
        responses: {
          "200": {
            description: "The page",
            content: {
              "text/html; charset=utf-8": { schema: { type: "string" } },
              "application/json": { schema: { type: "object" } },
            },
          },
          "304": { description: "It is as before" },
          "404": problem("There is no page"),
        },
      },
      handler: () => ({
        streams: false,
        handle(exchange) {
          checkOn(exchange);
          if (!wantsPage(exchange.head)) return sendEntry(exchange, ENTRY);
          const asked = askedBy(exchange.head);
          later(exchange, page(), ({ html, version }) => send(exchange, asked, html, version, OF_PAGE));
        },
      }),
    },
    {
      method: "GET",
      path: `${ASSETS_PATH}{version}/{path+}`,
      description: {
        operationId: "pageFile",
        summary: "What the page loads",
        tags: ["admin"],
        parameters: ["version", "path"].map((name) => ({
          name,
          in: "path",
          required: true,
          schema: { type: "string" },
        })),
        responses: {
          "200": {
            description: "The file",
            content: {
              "text/javascript; charset=utf-8": { schema: { type: "string" } },
              "text/css; charset=utf-8": { schema: { type: "string" } },
              "image/svg+xml": { schema: { type: "string" } },
            },
          },
          "304": { description: "It is as before" },
          "404": problem("There is no such file in this version of the page"),
        },
      },
      handler: (_, [version = "", path = ""]) => ({
        streams: false,
        handle(exchange) {
          checkOn(exchange);
          const asked = askedBy(exchange.head);
          later(exchange, page(), (all) => {
            const file = version === all.version && Object.hasOwn(all.files, path)
              ? all.files[path]
              : undefined;
            if (file === undefined) throw new HttpError(404, "the page has no such file now; load it again");
            send(exchange, asked, file, `${all.version}/${path}`, OF_ASSETS);
          });
        },
      }),
    },
  ];
}

function checkOn({ place }: Exchange): void {
  if (place.options.admin === "off") {
    throw new HttpError(403, 'this listener has no page: admin = "off" in its config');
  }
}

/** Browsers name it; who accepts anything is none. */
function wantsPage(head: RequestHead): boolean {
  return head.list("accept").some((each) => each.startsWith("text/html"));
}

function sendEntry(exchange: Exchange, entry: JsonObject): void {
  exchange.respond(200, { "Content-Type": "application/json", ...SAFE }, JSON.stringify(entry));
}

/** What a head says of how a file is to be sent. */
interface Asked {
  readonly isPacked: boolean;
  /** Tags of what the asker has already. */
  readonly known: readonly string[];
}

/** It is to be read at once: a head's bytes are not there for long. */
function askedBy(head: RequestHead): Asked {
  const known = head.header("if-none-match") ?? "";
  return {
    isPacked: head.list("accept-encoding").some((each) =>
      /^(?:gzip|\*)(?:$|\s*;\s*q=(?!0(?:\.0*)?$))/.test(each)
    ),
    known: known.split(",").map((each) => each.trim().replace(/^W\//, "")),
  };
}

function send(
  exchange: Exchange,
  { isPacked, known }: Asked,
  { type, gzip }: PackedFile,
  name: string,
  headers: Readonly<Record<string, string>>,
): void {
  const tag = `"${encodeURIComponent(name)}${isPacked ? "-gz" : ""}"`;
  const all = { ...headers, ETag: tag };
  if (known.includes(tag)) return exchange.respond(304, all, null);
  const bytes = Uint8Array.fromBase64(gzip);
  if (isPacked) exchange.respond(200, { ...all, "Content-Type": type, "Content-Encoding": "gzip" }, bytes);
  else exchange.respond(200, { ...all, "Content-Type": type }, gunzipSync(bytes));
}
