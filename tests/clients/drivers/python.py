# As curl.sh says.
import sys
import urllib.error
import urllib.request

for line in sys.stdin:
    method, path, body, token, out = line.rstrip("\n").split("\t")
    path, _, wish = path.partition("#")
    headers = {"content-type": "application/json"} if body != "-" else {}
    if token != "-":
        headers["authorization"] = "Bearer " + token
    if wish == "async":
        headers["prefer"] = "respond-async"
    data = open(body, "rb").read() if body != "-" else None
    try:
        response = urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, data, headers, method=method))
    except urllib.error.HTTPError as error:
        response = error
    open(out, "wb").write(response.read())
    print(response.status, response.headers.get("location", "-"), sep="\t", flush=True)
