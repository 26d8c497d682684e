/** When what is built was made, in seconds since 1970: SOURCE_DATE_EPOCH, so that it can be built again, else now. */
export function buildSeconds(): number {
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH") ?? "";
  return /^\d+$/.test(epoch) ? Number(epoch) : Math.floor(Date.now() / 1000);
}
