import { join } from "node:path";

/** A server that mevent is measured beside. */
export interface PeerDaemon {
  /** The program, as it is found on the PATH. */
  readonly program: string;
  /** The Debian package that has it. */
  readonly debian: string;
  /** Its arguments: a port of the loopback, everything in memory, defaults otherwise. */
  args(port: number, folder: string): readonly string[];
  /** Its arguments where it is to acknowledge only what is synced, in that folder; without them it has no such mode. */
  readonly durable?: {
    /** The first version that has it, as numbers. */
    readonly since?: readonly [number, number];
    /** What is written to `FOLDER/peer.conf` before it starts. */
    config?(port: number, folder: string): string;
    args(port: number, folder: string): readonly string[];
  };
  /** loadgen's options for its workers, where it has any. */
  readonly workers?: readonly string[];
}

/** The name of the config of a durable peer. */
export const PEER_CONFIG = "peer.conf";

/** All of them, by the name that is shown. */
export const PEER_DAEMONS = {
  beanstalkd: {
    program: "beanstalkd",
    debian: "beanstalkd",
    args: (port) => ["-l", "127.0.0.1", "-p", String(port)],
    durable: {
      args: (port, folder) => ["-l", "127.0.0.1", "-p", String(port), "-b", folder, "-f0"],
    },
  },
  gearmand: {
    program: "gearmand",
    debian: "gearman-job-server",
    args: (port) => ["--listen=127.0.0.1", `--port=${port}`, "--log-file=stderr"],
    workers: ["--role", "worker", "--proto", "gearman", "--conns", "16"],
  },
  redis: {
    program: "redis-server",
    debian: "redis-server",
    args: (
      port,
      folder,
    ) => ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no", "--dir", folder],
    durable: {
      args: (port, folder) => [
        ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", ""],
        ...["--appendonly", "yes", "--appendfsync", "always"],
      ],
    },
    workers: ["--role", "worker", "--proto", "redis", "--conns", "16"],
  },
  nats: {
    program: "nats-server",
    debian: "nats-server",
    args: (port, folder) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
    durable: {
      since: [2, 10],
      config: (port, folder) =>
        `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${
          JSON.stringify(folder)
        }, sync_interval: always }\n`,
      args: (_port, folder) => ["-c", join(folder, PEER_CONFIG)],
    },
    workers: ["--role", "worker", "--proto", "nats", "--conns", "4"],
  },
} as const satisfies Record<string, PeerDaemon>;

export type PeerName = keyof typeof PEER_DAEMONS;
