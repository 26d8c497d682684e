/** What Deno and the C library themselves go by, which is no secret. */
const KEPT = [
  "PATH",
  "HOME",
  "TMPDIR",
  "TZ",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "NO_COLOR",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];
/** They may hold a password: for who may use the network. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** The environment of a plugin's process: of the server's what is granted, a name's end may be `*`, and what any program needs. */
export function processEnvironment(
  all: Readonly<Record<string, string>>,
  { env = false, net = false }: Deno.PermissionOptionsObject,
): Record<string, string> {
  if (env === true) return { ...all };
  const proxies = net === false ? [] : [...PROXIES, ...PROXIES.map((name) => name.toLowerCase())];
  const names = [...KEPT, ...proxies, ...Array.isArray(env) ? env : []];
  const isGranted = (name: string) =>
    names.some((each) => each === name || (each.endsWith("*") && name.startsWith(each.slice(0, -1))));
  return Object.fromEntries(Object.entries(all).filter(([name]) => isGranted(name)));
}
