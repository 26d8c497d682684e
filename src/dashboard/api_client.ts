import type { Problem } from "../admin/api.ts";

/** A request has no answer for so long: it has failed, in ms. */
const PATIENCE_MS = 15_000;
const TOKEN_KEY = "mevent.token";

/** The server refused; `message` is its sentence. Status 0: it could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }

  /** Nobody answered, or a proxy in between. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }
}

/** Values of a query; what is null or empty is left out. */
export interface Query {
  readonly [key: string]: string | number | null | undefined;
}

/** The server's admin API, at an address that is relative to the page's. */
export class ApiClient {
  #token: string;

  constructor() {
    this.#token = stored() ?? "";
  }

  get hasToken(): boolean {
    return this.#token !== "";
  }

  /** @param keep until the tab is closed; otherwise until the page is loaded again */
  useToken(token: string, keep: boolean): void {
    this.#token = token;
    try {
      if (keep && token !== "") sessionStorage.setItem(TOKEN_KEY, token);
      else sessionStorage.removeItem(TOKEN_KEY);
    } catch {
      // Storage is switched off: it is kept in memory.
    }
  }

  /** `get("plugins/orders/operations", { state: "dead" })`. Throws ApiError. */
  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.#fetch<T>(`${path}${queryText(query)}`, { method: "GET" }, signal);
  }

  /** Throws ApiError. */
  post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    const init = { method: "POST", body: JSON.stringify(body) };
    return this.#fetch<T>(path, init, signal);
  }

  async #fetch<T>(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (init.body !== undefined) headers["Content-Type"] = "application/json";
    if (this.#token !== "") headers["Authorization"] = `Bearer ${this.#token}`;
    const patience = AbortSignal.timeout(PATIENCE_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(`api/v1/${path}`, document.baseURI), {
        ...init,
        headers,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, "the server does not answer", { cause: error });
    }
    if (!response.ok) throw new ApiError(response.status, sentenceOf(text, response));
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ApiError(502, "what answered is not mevent: it is no JSON", { cause: error });
    }
  }
}

/** A plugin's part of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

/** `?a=1&b=x`, or nothing. */
export function queryText(query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

function sentenceOf(text: string, { status, statusText }: Response): string {
  try {
    const { detail } = JSON.parse(text) as Partial<Problem>;
    if (typeof detail === "string") return detail;
  } catch {
    // Somebody between answered, in words of his own.
  }
  return `${status} ${statusText}`.trim();
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return null;
  }
}
