/** A server that mevent is measured beside. */
export interface PeerDaemon {
  /** The program, as it is found on the PATH. */
  readonly program: string;
  /** The Debian package that has it. */
  readonly debian: string;
  /** Its arguments: a port of the loopback, everything in memory, defaults otherwise. */
  args(port: number, folder: string): readonly string[];
  /** loadgen's options for its workers, where it has any. */
  readonly workers?: readonly string[];
}

/** All of them, by the name that is shown. */
export const PEER_DAEMONS = {
  beanstalkd: {
    program: "beanstalkd",
    debian: "beanstalkd",
    args: (port) => ["-l", "127.0.0.1", "-p", String(port)],
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
    workers: ["--role", "worker", "--proto", "redis", "--conns", "16"],
  },
  nats: {
    program: "nats-server",
    debian: "nats-server",
    args: (port, folder) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
    workers: ["--role", "worker", "--proto", "nats", "--conns", "4"],
  },
} as const satisfies Record<string, PeerDaemon>;

export type PeerName = keyof typeof PEER_DAEMONS;
