# curl.sh URL: a line of METHOD PATH BODYFILE TOKEN OUTFILE each, apart by tabs, "-" for none; prints STATUS LOCATION.
while IFS=$'\t' read -r method path body token out; do
  flags=(-sS -X "$method" -o "$out" -D "$out.head")
  [ "$body" = - ] || flags+=(-H "content-type: application/json" -H "expect:" --data-binary "@$body")
  [ "$token" = - ] || flags+=(-H "authorization: Bearer $token")
  [ "$path" = "${path%async}" ] || flags+=(-H "prefer: respond-async")
  status=$(curl "${flags[@]}" -w '%{http_code}' "$1${path%#async}")
  location=$(sed -n 's/^location: \(.*\)\r$/\1/Ip' "$out.head")
  printf '%s\t%s\n' "$status" "${location:--}"
done
