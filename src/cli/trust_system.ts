/** Where systems keep the certificates of the authorities that they trust, all in one file. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Has this process trust the authorities that the system trusts beside Mozilla's, unless the environment says otherwise. Deno reads
 * that when it first meets a certificate, in whatever thread, and refuses every one from then on where the system has none.
 */
export function trustSystem(): void {
  if (Deno.env.has("DENO_TLS_CA_STORE")) return;
  const named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].flatMap((name) => Deno.env.get(name) ?? []);
  const hasStore = Deno.build.os !== "linux" ||
    (named.length > 0 ? named.every(canRead) : BUNDLES.some(canRead));
  if (hasStore) Deno.env.set("DENO_TLS_CA_STORE", "mozilla,system");
}

function canRead(path: string): boolean {
  try {
    Deno.openSync(path).close();
    return true;
  } catch {
    return false;
  }
}
