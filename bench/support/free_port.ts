/** A port of the loopback that nothing listens on now, on TCP or UDP. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
