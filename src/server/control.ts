import { dirname, join } from "node:path";
import type { Access } from "../auth/access.ts";
import { formatAddress } from "../config/address.ts";
import { systemReason } from "../system_reason.ts";
import type { ServerConfig } from "../config/config.ts";
import type { ControlHandler } from "../control/control_connection.ts";
import { controlHandler } from "../control/control_handler.ts";
import {
  controlFolder,
  ControlFolderError,
  controlName,
  isHostAndPort,
  makeOwnFolder,
} from "../control/control_path.ts";
import { ControlServer, type Reserve } from "../control/control_server.ts";
import type { ControlTarget } from "../control/control_target.ts";
import type { ReloadReport } from "../control/reload_report.ts";

/** A control socket that cannot be had; the message names the key that asks for it. */
export class ControlError extends Error {
  override readonly name = "ControlError";
}

export interface ControlOptions {
  readonly settings: Pick<ServerConfig, "control" | "controlTcp">;
  readonly env: Readonly<Record<string, string>>;
  /** What the server listens on, in the config's order, with the ports that it has got. */
  readonly addresses: readonly Deno.Addr[];
  readonly reserve: Reserve;
  /** Who may come over TCP, as it counts now. */
  readonly access: () => Access;
}

/** What is listened on. */
type Listening = Readonly<Record<"streams" | "datagrams", readonly { readonly address: Deno.Addr }[]>>;

/** All control sockets of a server. */
export class Control {
  readonly #servers: ControlServer[] = [];
  /** The one that has its name from what is listened on. */
  #named: ControlServer | null = null;

  /** Where it listens, as `unix /run/user/1000/mevent-26000.sock`. */
  get addresses(): string[] {
    return this.#servers.map(({ address }) =>
      address.transport === "tcp"
        ? `tcp ${formatAddress(address)}`
        : `unix ${(address as Deno.UnixAddr).path}`
    );
  }

  /** Opens them; nobody is answered until {@link begin}. Throws ControlError; what was opened stays, for {@link finish}. */
  async open(target: ControlTarget, options: ControlOptions): Promise<void> {
    const { settings } = options;
    const handle = controlHandler(target);
    const path = this.#path(target, options);
    if (path !== null) await this.#openPath(path, handle, target, options);
    for (const address of settings.controlTcp) {
      try {
        this.#servers.push(
          ControlServer.onTcp(address, handle, target.limitLog, options.reserve, options.access),
        );
      } catch (error) {
        throw new ControlError(
          `control_tcp: cannot listen on ${formatAddress(address)}: ${systemReason(error, "listen")}`,
        );
      }
    }
    for (const address of this.addresses) {
      if (address.startsWith("tcp") && options.access().guard === null) {
        target.log.warn("whoever reaches this address may pause, purge and stop the server", {
          control: address,
        });
      } else target.log.info("the control socket is open", { control: address });
    }
  }

  /** Takes those who ask for something, who have come since {@link open} first. */
  begin(): void {
    for (const server of this.#servers) server.begin();
  }

  /**
   * Gives the socket of `control = "auto"` the name that goes with what is listened on now, for that is where commands look.
   * Resolves with the report, which says so where it has moved; where it cannot, it keeps its name, and the log says why.
   */
  async follow(
    report: ReloadReport,
    { streams, datagrams }: Listening,
    log: ControlTarget["log"],
  ): Promise<ReloadReport> {
    const name = autoName([...streams, ...datagrams].map(({ address }) => address));
    const server = this.#named;
    if (name === null || server === null) return report;
    const { path: before } = server.address as Deno.UnixAddr;
    const path = join(dirname(before), name);
    if (path === before) return report;
    try {
      await server.move(path);
      return { ...report, changed: [...report.changed, `control socket ${before} -> ${path}`] };
    } catch (error) {
      log.warn("the control socket keeps its name: name it with --control", {
        control: `unix ${before}`,
        wanted: path,
        reason: systemReason(error, "listen"),
      });
      return report;
    }
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stopAccepting()));
  }

  /** Ends them; what has been asked is answered first. */
  async finish(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.finish()));
  }

  async #openPath(
    path: string,
    handle: ControlHandler,
    { log, limitLog }: ControlTarget,
    { settings, reserve }: ControlOptions,
  ): Promise<void> {
    try {
      const server = await ControlServer.onPath(path, handle, limitLog, reserve);
      this.#servers.push(server);
      if (settings.control === "auto") this.#named = server;
    } catch (error) {
      // A folder that nobody chose and that cannot be written to, as in a container, is no reason not to serve.
      if (settings.control === "auto" && isOfFolder(error)) {
        return sayNone(log, `${path}: ${systemReason(error, "listen")}`);
      }
      throw new ControlError(
        `control: cannot listen on unix ${path}: ${
          systemReason(error, "listen")
        }; name another path, or "none"`,
      );
    }
  }

  #path({ log }: ControlTarget, { settings, env, addresses }: ControlOptions): string | null {
    const { control } = settings;
    if (control === "none") return null;
    if (control !== "auto") {
      if (!isHostAndPort(control)) return control;
      throw new ControlError(
        `control: expected a path, "auto" or "none", got ${
          JSON.stringify(control)
        }; control_tcp takes an address`,
      );
    }
    const name = autoName(addresses);
    if (name === null || Deno.build.os === "windows") return null;
    const { path, isShared } = controlFolder(env);
    try {
      if (isShared) makeOwnFolder(path);
    } catch (error) {
      if (!(error instanceof ControlFolderError)) throw error;
      sayNone(log, error.message);
      return null;
    }
    return `${path}/${name}`;
  }
}

/** After the first TCP listener, else the first UDP one, else the first Unix socket. */
function autoName(addresses: readonly Deno.Addr[]): string | null {
  for (const transport of ["tcp", "udp"]) {
    for (const address of addresses) {
      if (address.transport === transport) return controlName(address as Deno.NetAddr);
    }
  }
  for (const address of addresses) {
    if (address.transport === "unix") return controlName(address as Deno.UnixAddr);
  }
  return null;
}

function isOfFolder(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && /read-only file system/i.test(error.message));
}

function sayNone(log: ControlTarget["log"], reason: string): void {
  log.error('there is no control socket; the key "control" names a place for it, or "none"', { reason });
}
