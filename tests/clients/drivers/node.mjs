// As curl.sh says; for Node and Bun.
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const [method, target, body, token, out] = line.split("\t");
  const [path, wish] = target.split("#");
  const headers = body === "-" ? {} : { "content-type": "application/json" };
  if (token !== "-") headers["authorization"] = `Bearer ${token}`;
  if (wish === "async") headers["prefer"] = "respond-async";
  const content = body === "-" ? undefined : await readFile(body);
  const response = await fetch(process.argv[2] + path, { method, headers, body: content });
  await writeFile(out, new Uint8Array(await response.arrayBuffer()));
  console.log(`${response.status}\t${response.headers.get("location") ?? "-"}`);
}
