/** The versions that a listener may ask for at least. */
export const TLS_VERSIONS = ["1.2", "1.3"] as const;
export type TlsVersion = typeof TLS_VERSIONS[number];

/** The TLS of a listener, as the config has it: paths of PEM files. */
export interface TlsSettings {
  /** The certificate, and behind it those above it. */
  readonly cert: string;
  readonly key: string;
  /** Callers show a certificate that one of these has signed; null where they show none. */
  readonly clientCa: string | null;
  readonly minVersion: TlsVersion;
}
