import { X509Certificate } from "node:crypto";
import type { Config } from "../../config/config.ts";
import type { ConfigSources } from "../../config/load.ts";
import { usableConfig } from "../../config/usable.ts";
import { landlockVersion } from "../../host/landlock.ts";
import { dataFolder, dataFolderProblem } from "../../server/data_folder.ts";
import { systemReason } from "../../system_reason.ts";
import { checkFindings } from "../config/check_findings.ts";
import { bytesText, countOf, countText } from "../stats/units.ts";
import { availableMemory, descriptorLimit, freeBytesAt, hasLibrary, isClockSynchronized } from "./machine.ts";

/** How bad something is. */
export type Level = "ok" | "warning" | "error";

/** One thing that was looked at. */
export interface Diagnosis {
  readonly about:
    | "config"
    | "limits"
    | "memory"
    | "clock"
    | "disk"
    | "ports"
    | "sandbox"
    | "certificates"
    | "libraries"
    | "data";
  readonly level: Level;
  /** What is so. */
  readonly sentence: string;
  /** What to do; null where there is nothing to do. */
  readonly advice: string | null;
}

/** Descriptors beside connections: of files, workers and what plugins open. */
const SPARE_DESCRIPTORS = 256;
/** A certificate that ends so soon is a warning; in days. */
const SOON_DAYS = 14;
const DAY_MS = 86_400_000;
/** Disks with less room are soon full; in bytes. */
const LITTLE_ROOM = 1024 ** 3;
const IN_USE = /in use/;

/** Looks at a config and at this machine, in the order in which it is told. */
export async function examine(sources: ConfigSources): Promise<Diagnosis[]> {
  const { findings, plugins, addresses } = await checkFindings(sources);
  const ports = findings.filter(({ severity, text }) => severity === "warning" && IN_USE.test(text));
  const others = findings.filter((finding) => !ports.includes(finding));
  const name = sources.file ?? "none";
  const { config } = usableConfig(sources);
  return [
    ...others.map(({ severity, text }): Diagnosis => ({
      about: "config",
      level: severity,
      sentence: text,
      advice: severity === "error"
        ? "a server does not start with it; mevent check tells all of it"
        : "see docs: mevent help configuration",
    })),
    ...others.some(({ severity }) => severity === "error") ? [] : [
      ok(
        "config",
        `the config (${name}) can be used: ${countOf(plugins?.length ?? 0, "plugin")}, ${
          countOf(addresses ?? 0, "address", "addresses")
        }`,
      ),
    ],
    ...ports.map(({ text }): Diagnosis => ({
      about: "ports",
      level: "warning",
      sentence: text,
      advice: "it may be a mevent that runs (mevent ping), or another program: ss -lptn says which",
    })),
    ...ports.length > 0 || addresses === null ? [] : [ok("ports", "all addresses can be listened at")],
    ...config === null ? [] : ofConfig(config, sources.env),
    clock(Date.now(), isClockSynchronized()),
    sandbox(landlockVersion()),
  ];
}

function ofConfig(config: Config, env: ConfigSources["env"]): Diagnosis[] {
  return [
    limits(config.server.maxConnections, descriptorLimit()),
    memory(config.server.maxQueueBytes, availableMemory()),
    ...dataAndDisk(config, env),
    ...certificates(config),
    ...libraries(config),
  ];
}

export function limits(connections: number, descriptors: number | null): Diagnosis {
  if (descriptors === null) return unknown("limits", "how many files a process may have open");
  const needed = connections + SPARE_DESCRIPTORS;
  if (descriptors >= needed) {
    return ok(
      "limits",
      `${
        Number.isFinite(descriptors) ? countText(descriptors) : "any number of"
      } files may be open, enough for ${countText(connections)} connections`,
    );
  }
  return {
    about: "limits",
    level: "warning",
    sentence: `${countText(descriptors)} files may be open, too few for ${
      countText(connections)
    } connections: the server takes fewer`,
    advice: `set LimitNOFILE=${needed} in the unit, or ulimit -Hn ${needed}; or lower max_connections`,
  };
}

export function memory(queues: number, available: number | null): Diagnosis {
  if (available === null) return unknown("memory", "how much memory is free");
  if (available >= queues) {
    return ok(
      "memory",
      `${bytesText(available)} of memory are free, and queues hold at most ${bytesText(queues)}`,
    );
  }
  return {
    about: "memory",
    level: "warning",
    sentence: `queues may hold ${bytesText(queues)}, and ${bytesText(available)} of memory are free`,
    advice: "lower max_queue_bytes, so that a burst is answered BUSY and not ended by the system",
  };
}

export function clock(now: number, isSynchronized: boolean | null): Diagnosis {
  const time = new Date(now).toISOString();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isSynchronized === true) {
    return ok("clock", `the clock is kept in step with others: ${time}, zone ${zone}`);
  }
  if (isSynchronized === null) return unknown("clock", `whether the clock is right (${time}, zone ${zone})`);
  return {
    about: "clock",
    level: "warning",
    sentence: `nobody keeps the clock in step: ${time}, zone ${zone}`,
    advice:
      "timers, delays and the ends of tokens and certificates go by it: run systemd-timesyncd or chrony",
  };
}

export function sandbox(version: number): Diagnosis {
  if (version > 0) {
    return ok("sandbox", `the kernel has Landlock (version ${version}), which confines plugins`);
  }
  return {
    about: "sandbox",
    level: "warning",
    sentence:
      "the kernel has no Landlock for this process: code that plugins make at run time may read any JSON and JavaScript",
    advice:
      "run on Linux 5.13 or newer with Landlock among its security modules, or only code that you trust",
  };
}

function dataAndDisk(config: Config, env: ConfigSources["env"]): Diagnosis[] {
  const folder = dataFolder(config.server, env);
  const needs = config.plugins.some(({ durability }) => durability === "journal");
  if (folder === null) return [ok("data", "there is no folder for journals, and no plugin has one")];
  const problem = dataFolderProblem(folder);
  // One that is needed is an error of the config already.
  const told: Diagnosis = problem === null ? ok("data", `${folder} can be written to`) : {
    about: "data",
    level: needs ? "error" : "warning",
    sentence: problem,
    advice: "name another folder with [server] data, or give this user the right to write there",
  };
  return [told, disk(folder, freeBytesAt(folder), needs ? config.server.maxDisk : 0)];
}

export function disk(folder: string, free: number | null, wanted: number): Diagnosis {
  if (free === null) return unknown("disk", `how much room is left at ${folder}`);
  if (free >= Math.max(wanted, LITTLE_ROOM)) return ok("disk", `${bytesText(free)} are left at ${folder}`);
  const sentence = free < wanted
    ? `${bytesText(free)} are left at ${folder}, and journals may take ${bytesText(wanted)}`
    : `${bytesText(free)} are left at ${folder}`;
  return {
    about: "disk",
    level: "warning",
    sentence,
    advice: wanted > 0 ? "make room, or lower max_disk" : "make room",
  };
}

function certificates(config: Config): Diagnosis[] {
  const paths = new Set(
    config.listeners.flatMap((each) => each.transport === "unix" || each.tls === null ? [] : [each.tls.cert]),
  );
  if (paths.size === 0) return [ok("certificates", "no listener has TLS")];
  return [...paths].map((path) => {
    try {
      const { validTo } = new X509Certificate(Deno.readTextFileSync(path));
      return certificate(path, Date.parse(validTo), Date.now());
    } catch (error) {
      return {
        about: "certificates",
        level: "error",
        sentence: `${path} cannot be read: ${systemReason(error, "file")}`,
        advice: "mevent check says what is wrong with it",
      };
    }
  });
}

/** @param ends when it is no longer valid, in ms since 1970 */
export function certificate(path: string, ends: number, now: number): Diagnosis {
  const days = Math.floor((ends - now) / DAY_MS);
  const date = new Date(ends).toISOString().slice(0, 10);
  if (days >= SOON_DAYS) return ok("certificates", `${path} is valid until ${date}`);
  const sentence = ends <= now
    ? `${path} has been no longer valid since ${date}`
    : `${path} ends on ${date}, in ${countOf(days, "day")}`;
  return {
    about: "certificates",
    level: ends <= now ? "error" : "warning",
    sentence,
    advice: "put a new one into its file: a server that runs takes it without a restart",
  };
}

function libraries(config: Config): Diagnosis[] {
  const hasTls = config.listeners.some((each) => each.transport !== "unix" && each.tls !== null);
  return [
    hasLibrary("libc.so.6") ? ok("libraries", "libc.so.6 is there: sockets are served by epoll") : {
      about: "libraries",
      level: "warning",
      sentence:
        "libc.so.6 cannot be loaded: sockets are served by Deno's own, which are slower, and there is no TLS",
      advice: "use Linux with glibc",
    },
    hasLibrary("libssl.so.3") ? ok("libraries", "libssl.so.3 is there, for TLS") : {
      about: "libraries",
      level: hasTls ? "error" : "ok",
      sentence: hasTls
        ? "libssl.so.3 cannot be loaded, and a listener has TLS"
        : "libssl.so.3 is not there: only TLS needs it",
      advice: hasTls ? "install OpenSSL 3: apt install libssl3" : null,
    },
  ];
}

function ok(about: Diagnosis["about"], sentence: string): Diagnosis {
  return { about, level: "ok", sentence, advice: null };
}

function unknown(about: Diagnosis["about"], what: string): Diagnosis {
  return { about, level: "ok", sentence: `this system does not say ${what}`, advice: null };
}
