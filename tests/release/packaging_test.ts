import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { findCommand } from "../../src/cli/commands.ts";
import { isGroup } from "../../src/cli/command.ts";
import { parseCommand } from "../../src/cli/parse.ts";
import { loadConfig } from "../../src/config/load.ts";
import { prometheusText } from "../../src/observe/prometheus.ts";
import { installedNote, isInstalled } from "../support/installed.ts";
import { mevent } from "../support/mevent.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { TestServer } from "../support/test_server.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FOLDER = `${ROOT}docs/packaging`;
const read = (name: string) => Deno.readTextFile(`${FOLDER}/${name}`);

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly depends_on?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

Deno.test("the image's instructions are known, name files that there are, and start mevent as a user without rights", async () => {
  const instructions = instructionsOf(await read("Dockerfile"));
  const known = "FROM RUN COPY USER WORKDIR ENV VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split(
    " ",
  );
  for (const [name] of instructions) assert(known.includes(name), name);
  assertEquals(instructions[0], ["FROM", "debian:bookworm-slim"]);
  const of = (name: string) => instructions.filter(([each]) => each === name).map(([, rest]) => rest);
  assertEquals(of("USER"), ["10001:10001"]);
  for (const copy of of("COPY")) {
    const [from = ""] = copy.split(" ").filter((word) => !word.startsWith("--"));
    // The executable is made before.
    if (from !== "dist/mevent") assert((await Deno.stat(ROOT + from)).isFile, from);
  }
  const [, health = ""] = /CMD (\[.*\])$/.exec(of("HEALTHCHECK")[0]!)!;
  assertEquals(of("ENTRYPOINT"), ['["mevent"]']);
  for (const [, ...words] of [JSON.parse(health), ["mevent", ...JSON.parse(of("CMD")[0]!)]] as string[][]) {
    const { found, rest } = await findCommand(words);
    assert(!isGroup(found));
    parseCommand(found, rest);
  }
  assertEquals(
    loadConfig({ file: "m.toml", text: await read("mevent.toml"), env: {}, flags: {} }).warnings,
    [],
  );
});

/** Each with what follows it; lines that go on are one, comments are none. */
function instructionsOf(text: string): (readonly [name: string, rest: string])[] {
  const lines = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n").filter((line) =>
    line !== ""
  );
  return lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
}

Deno.test("the compose file names services, volumes and files that there are, and Prometheus asks the port that is served", async () => {
  const { services, volumes }: Compose = parse(await read("compose.yaml"));
  assertEquals(Object.keys(services), ["mevent", "prometheus", "grafana"]);
  const used = new Set<string>();
  for (const [name, service] of Object.entries(services)) {
    assert(/:[\w.]+$/.test(service.image) || service.build !== undefined, `${name} has no version`);
    for (const other of service.depends_on ?? []) assert(Object.hasOwn(services, other), other);
    for (const volume of service.volumes ?? []) {
      const [from = ""] = volume.split(":");
      if (from.startsWith(".")) assert((await Deno.stat(`${FOLDER}/${from}`)).isFile, from);
      else used.add(from);
    }
    for (const port of service.ports ?? []) assert(port.startsWith("127.0.0.1:"), port);
  }
  assertEquals([...used].sort(), Object.keys(volumes).sort());
  const { context, dockerfile } = services.mevent!.build!;
  assert((await Deno.stat(`${FOLDER}/${context}/${dockerfile}`)).isFile);

  const { listeners } = loadConfig({ file: "m.toml", text: await read("mevent.toml"), env: {}, flags: {} });
  const http = listeners.find(({ transport }) => transport === "http");
  assert(http !== undefined && "port" in http);
  const { scrape_configs: [job] } = parse(await read("prometheus.yml"));
  assertEquals(job.static_configs[0].targets, [`mevent:${http.port}`]);
  const { datasources: [source] } = parse(await read("grafana/datasource.yml"));
  assertEquals(source.url, "http://prometheus:9090");
  const { providers: [provider] } = parse(await read("grafana/dashboards.yml"));
  assert(
    services.grafana!.volumes!.some((volume) =>
      volume.split(":")[1]!.startsWith(`${provider.options.path}/`)
    ),
  );
});

Deno.test({
  name: `promtool finds nothing wrong with the config of Prometheus${installedNote("promtool")}`,
  ignore: !isInstalled("promtool"),
  fn: async () => {
    const { success, stdout, stderr } = await new Deno.Command("promtool", {
      args: ["check", "config", `${FOLDER}/prometheus.yml`],
    }).output();
    assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  },
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

Deno.test("the dashboard for Grafana asks for what the server tells, with labels that there are", async () => {
  const dashboard = JSON.parse(await read("grafana/mevent.json"));
  const panels: Panel[] = dashboard.panels;
  const { datasources: [source] } = parse(await read("grafana/datasource.yml"));
  await using data = await tempFolder();
  await using server = await TestServer.start({
    server: { data: data.path },
    plugins: [{ name: "echo", module: "builtin:echo", durability: "journal" }],
  });
  // A command has figures once it has run.
  const { code } = await mevent([
    "send",
    "--port",
    String(server.tcp.port),
    "--biz",
    "echo",
    "--cmd",
    "1001",
  ]);
  assertEquals(code, 0);
  const text = prometheusText(server.server.stats());
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
  );
  const asked = new Set<string>();
  for (const { id, title, datasource, targets } of panels) {
    assertEquals(panels.filter((panel) => panel.id === id).length, 1, title);
    for (const { expr, datasource: own } of targets) {
      assertEquals([datasource.uid, own.uid], [source.uid, source.uid]);
      for (const [name] of expr.matchAll(/mevent_\w+/g)) {
        asked.add(name);
        const family = types.get(name) === undefined ? name.replace(/_bucket$/, "") : name;
        assert(types.has(family), `${title}: there is no ${name}`);
        assertEquals(types.get(family) === "histogram", name.endsWith("_bucket"), name);
        assertEquals(types.get(family) === "counter", /_total$/.test(name), name);
        if (types.get(family) === "counter") assert(/\b(?:rate|increase)\(/.test(expr), expr);
      }
      for (const [, labels = ""] of expr.matchAll(/by \(([^)]*)\)/g)) {
        for (const label of labels.split(", ")) {
          assert(["le", "plugin", "name", "state", "result"].includes(label), label);
        }
      }
    }
  }
  assert(asked.size > 15);
  for (const { query } of dashboard.templating.list) {
    assert(types.has(/label_values\((\w+), plugin\)/.exec(query)![1]!), query);
  }
});
