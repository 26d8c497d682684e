import { Buffer } from "node:buffer";
import { badFraming, type HttpError } from "./http_error.ts";

/** What a request's first line and header fields may have together, in bytes. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Header fields of one request. */
export const MAX_FIELDS = 100;
/** Of a request's target, in bytes. */
const MAX_TARGET_BYTES = 8 * 1024;
const MAX_METHOD_BYTES = 32;
/** So many decimal digits are exact. */
const MAX_LENGTH_DIGITS = 15;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** 1 for what may stand in a name or a method, RFC 9110's tchar. */
const TOKEN = new Uint8Array(256);
for (const byte of new TextEncoder().encode("!#$%&'*+-.^_`|~")) TOKEN[byte] = 1;
for (let byte = 0x30; byte <= 0x7a; byte++) {
  if (/[0-9A-Za-z]/.test(String.fromCharCode(byte))) TOKEN[byte] = 1;
}
/** 1 for what may stand in a value. */
const VALUE = new Uint8Array(256).fill(1, 0x20).fill(1, TAB, TAB + 1).fill(0, 0x7f, 0x80);

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.prototype.latin1Slice.call(bytes as Buffer, from, to);

/**
 * Where the empty line that ends a head has ended; -1 where it has not come. Throws HttpError where a line does not end in
 * CR LF, the head is too long, or its first byte says that this is no HTTP, but TLS or mevent's own protocol.
 *
 * @param from where to look on: all before was looked at, and held no end
 */
export function headEnd(bytes: Uint8Array, start: number, from: number, end: number): number {
  if (from <= start && start < end && TOKEN[bytes[start]!] === 0 && bytes[start] !== CR) throw noMethod();
  for (let at = Math.max(start, from); at < end; at++) {
    if (bytes[at] !== LF) continue;
    if (at === start || bytes[at - 1] !== CR) throw badFraming("a line of the head ends in LF without CR");
    if (at - start > MAX_HEAD_BYTES) throw longHead();
    if (at - start >= 3 && bytes[at - 2] === LF) return at + 1;
  }
  if (end - start > MAX_HEAD_BYTES) throw longHead();
  return -1;
}

function noMethod(): HttpError {
  return badFraming("the request does not begin with a method and a space");
}

function longHead(): HttpError {
  return badFraming(`the request's head has more than ${MAX_HEAD_BYTES} bytes`, 431);
}

/**
 * The first line and the header fields of a request, by RFC 9112 and no laxer: what two readers could understand in two ways is
 * refused. One is reused for all requests of a connection; header values are read where they lie.
 */
export class RequestHead {
  method = "";
  /** As it was sent, without the scheme and the host that a proxy's request has. */
  target = "";
  /** Of HTTP/1.x. */
  minor = 1;
  /** Of the body, in bytes; 0 where there is none, -1 where it comes in chunks. */
  length = 0;
  keepAlive = true;
  /** The caller waits for `100 Continue` before it sends the body. */
  expectsContinue = false;
  #bytes = new Uint8Array(0);
  /** Where the head lies in them. */
  #start = 0;
  #end = 0;
  /** Holds a head whose bytes are about to be written over. */
  #kept = new Uint8Array(0);
  /** Of each field, where its name begins and ends, and its value. */
  readonly #fields: number[] = [];

  /** Nothing is known of the next one. */
  clear(): void {
    this.method = "";
    this.target = "";
    this.minor = 1;
    this.length = 0;
    this.keepAlive = true;
    this.expectsContinue = false;
    this.#fields.length = 0;
  }

  /** Reads the head that lies at `at`..`end`, the empty line included. Throws HttpError. */
  read(bytes: Uint8Array<ArrayBuffer>, at: number, end: number): void {
    this.clear();
    this.#bytes = bytes;
    this.#start = at;
    this.#end = end;
    at = this.#readLine(bytes, at, end);
    while (bytes[at] !== CR) at = this.#readField(bytes, at, end);
    if (bytes[at + 1] !== LF) throw badFraming("the head holds a CR without LF");
    this.#readFraming();
  }

  /** Has the head stay as it is while what it was read from is written over: its fields are read where they lie. */
  keep(): void {
    const length = this.#end - this.#start;
    if (this.#bytes === this.#kept || length === 0) return;
    if (this.#kept.length < length) this.#kept = new Uint8Array(length * 2);
    this.#kept.set(this.#bytes.subarray(this.#start, this.#end));
    for (let at = 0; at < this.#fields.length; at++) this.#fields[at]! -= this.#start;
    this.#bytes = this.#kept;
    this.#end = length;
    this.#start = 0;
  }

  /** The value of a field by its name in small letters, null where there is none. Throws HttpError where it stands twice. */
  header(name: string): string | null {
    const at = this.#find(name, 0);
    if (at < 0) return null;
    if (this.#find(name, at + 4) >= 0) throw badFraming(`the header ${name} stands twice`);
    return this.#value(at);
  }

  /** The elements of a field that is a list, in small letters; empty where there is none. */
  list(name: string): string[] {
    const values: string[] = [];
    for (let at = this.#find(name, 0); at >= 0; at = this.#find(name, at + 4)) values.push(this.#value(at));
    return values.join(",").toLowerCase().split(",").map((each) => each.trim()).filter((each) => each !== "");
  }

  #readLine(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (TOKEN[bytes[at]!] === 1) at++;
    if (at === start || at - start > MAX_METHOD_BYTES || bytes[at] !== SPACE) {
      throw noMethod();
    }
    this.method = latin1(bytes, start, at);
    const target = ++at;
    while (bytes[at]! > SPACE && bytes[at]! < 0x7f) at++;
    if (at === target || bytes[at] !== SPACE) {
      throw badFraming("the request's target is missing, or holds what is to be percent-encoded");
    }
    if (at - target > MAX_TARGET_BYTES) {
      throw badFraming(`the request's target has more than ${MAX_TARGET_BYTES} bytes`, 414);
    }
    this.target = latin1(bytes, target, at);
    if (this.target.charCodeAt(0) !== 0x2f) this.target = this.target.replace(/^https?:\/\/[^/?]*\/?/i, "/");
    const version = ++at;
    while (at < end && bytes[at] !== CR) at++;
    const shown = latin1(bytes, version, Math.min(at, version + 16));
    if (shown === "HTTP/1.1") this.minor = 1;
    else if (shown === "HTTP/1.0") this.minor = 0;
    else if (/^HTTP\/\d\.\d$/.test(shown)) throw badFraming(`${shown} is not served; HTTP/1.1 is`, 505);
    else throw badFraming("the request's first line does not end in HTTP/1.1");
    if (bytes[at + 1] !== LF) throw badFraming("the head holds a CR without LF");
    return at + 2;
  }

  #readField(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (TOKEN[bytes[at]!] === 1) at++;
    if (at === start || bytes[at] !== COLON) {
      throw badFraming(
        bytes[start] === SPACE || bytes[start] === TAB
          ? "a header goes on in the next line (obs-fold); write it in one"
          : "a header's name is to be a token with a colon right behind it",
      );
    }
    const nameEnd = at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const value = at;
    while (at < end && VALUE[bytes[at]!] === 1) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      throw badFraming(`the header ${latin1(bytes, start, nameEnd)} holds a control character`);
    }
    const next = at + 2;
    while (at > value && (bytes[at - 1] === SPACE || bytes[at - 1] === TAB)) at--;
    if (this.#fields.length >= MAX_FIELDS * 4) {
      throw badFraming(`the request has more than ${MAX_FIELDS} headers`, 431);
    }
    this.#fields.push(start, nameEnd, value, at);
    return next;
  }

  /** What decides where the request ends, and the connection. */
  #readFraming(): void {
    const host = this.header("host");
    if (host === null && this.minor === 1) throw badFraming("the header Host is missing");
    if (host !== null && !/^[^\s/?#@,]*$/.test(host)) throw badFraming("the header Host names no host");
    const transfer = this.header("transfer-encoding");
    const length = this.header("content-length");
    if (transfer !== null) {
      if (length !== null) {
        throw badFraming("there are both a Content-Length and a Transfer-Encoding; send one of them");
      }
      if (this.minor === 0) throw badFraming("HTTP/1.0 knows no Transfer-Encoding");
      if (transfer.toLowerCase() !== "chunked") {
        throw badFraming("the Transfer-Encoding is not chunked alone; no other is understood", 501);
      }
      this.length = -1;
    } else if (length !== null) {
      if (!/^\d+$/.test(length)) throw badFraming("the Content-Length is to be one number in decimal digits");
      if (length.length > MAX_LENGTH_DIGITS) throw badFraming("the Content-Length is out of all bounds", 413);
      this.length = Number(length);
    }
    const connection = this.#find("connection", 0) < 0 ? [] : this.list("connection");
    this.keepAlive = this.minor === 1 ? !connection.includes("close") : connection.includes("keep-alive");
    const expect = this.header("expect");
    if (expect === null) return;
    if (expect.toLowerCase() !== "100-continue") {
      throw badFraming("the only Expect that is understood is 100-continue", 417);
    }
    this.expectsContinue = this.minor === 1 && this.length !== 0;
  }

  /** The index of the next field of that name, from an index on; -1 where there is none. */
  #find(name: string, from: number): number {
    const fields = this.#fields;
    const bytes = this.#bytes;
    next: for (let at = from; at < fields.length; at += 4) {
      const start = fields[at]!;
      if (fields[at + 1]! - start !== name.length) continue;
      for (let i = 0; i < name.length; i++) {
        const byte = bytes[start + i]!;
        const small = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
        if (small !== name.charCodeAt(i)) continue next;
      }
      return at;
    }
    return -1;
  }

  #value(at: number): string {
    return latin1(this.#bytes, this.#fields[at + 2]!, this.#fields[at + 3]!);
  }
}
