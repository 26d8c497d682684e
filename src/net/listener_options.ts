import type { Access } from "../auth/access.ts";
import type { AdminLevel } from "../auth/admin_level.ts";
import type { Charset } from "../protocol/charset.ts";
import type { Certificates } from "../tls/certificates.ts";

/** How the callers of a listener are answered. */
export interface ListenerOptions {
  /** False where async requests get no reply. */
  readonly asyncReply: boolean;
  /** For clients of old: no reply is longer than {@link LEGACY_REPLY_BYTES}. */
  readonly legacy: boolean;
  /** What the texts of HDF and cells are written in; null for UTF-8. */
  readonly charset: Charset | null;
  /** What connections are served TLS with; null for plain ones. */
  readonly tls: Certificates | null;
  /** Of HTTP: the origins whose pages may call, `*` for all. */
  readonly cors: readonly string[];
  /** Of HTTP: names of this server beside its addresses. */
  readonly httpHosts: readonly string[];
  /** Of HTTP: what may be done with the server. */
  readonly admin: AdminLevel;
  /** Who may come in, and as whom. */
  readonly access: Access;
}

/** What the buffer of libmevent holds: a reply with its prefix, in bytes. */
export const LEGACY_REPLY_BYTES = 65_536;
