import { HttpError } from "./http_error.ts";
import type { RequestHead } from "./request_head.ts";

/** Throws HttpError (415) where the body is of another media type. A body without any is one that a page could send unasked. */
export function checkContentType(head: RequestHead, wanted: string): void {
  const coding = head.header("content-encoding");
  if (coding !== null && coding.toLowerCase() !== "identity") {
    throw new HttpError(
      415,
      `a body with the Content-Encoding ${coding} is not understood; send it as it is`,
    );
  }
  const type = head.header("content-type");
  if (type === wanted) return;
  if (type === null) throw new HttpError(415, `the header Content-Type is missing; it is to be ${wanted}`);
  const [essence = "", ...params] = type.toLowerCase().split(";").map((each) => each.trim());
  if (essence !== wanted) throw new HttpError(415, `the Content-Type is ${type}; it is to be ${wanted}`);
  const charset = params.find((each) => each.startsWith("charset="))?.slice("charset=".length);
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw new HttpError(415, `the Content-Type's charset is ${charset}; it is to be utf-8`);
  }
}

/** Throws HttpError (406) where the caller accepts no such media type. */
export function checkAccept(head: RequestHead, given: string): void {
  const accept = head.header("accept");
  if (accept === null || accept === "*/*" || accept === given) return;
  const [family] = given.split("/");
  const isAccepted = accept.toLowerCase().split(",").some((each) => {
    const [range = "", ...params] = each.split(";").map((part) => part.trim());
    const isWanted = range === "*/*" || range === `${family}/*` || range === given || range === "";
    return isWanted && !params.some((param) => /^q=0(\.0*)?$/.test(param));
  });
  if (!isAccepted) throw new HttpError(406, `the response would be ${given}, which Accept does not name`);
}
