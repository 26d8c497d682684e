import type { StreamAddress } from "../../client/address.ts";
import { parseAddress } from "../../config/address.ts";
import { ConfigError } from "../../config/config_error.ts";
import {
  checkOwnFolder,
  controlFolder,
  controlName,
  DEFAULT_PORT,
  isHostAndPort,
} from "../../control/control_path.ts";
import type { Flag } from "../flag.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";

const VARIABLE = "MEVENT_CONTROL";

/** The flags that say which server a control command is for. */
export const CONTROL_ADDRESS_FLAGS: readonly Flag[] = [
  {
    name: "control",
    value: "PATH|HOST:PORT",
    help: `The server's control socket; ${VARIABLE} names one too.`,
  },
  {
    name: "port",
    value: "PORT",
    default: String(DEFAULT_PORT),
    help: "The server's port: its control socket has its name from it.",
  },
  { name: "unix", value: "PATH", help: "The server's Unix socket, where it has no port." },
];

/**
 * Where the control socket is: at --control, else where a server with --port or --unix has it by itself, else at
 * MEVENT_CONTROL, else where a server on the usual port has it. Throws UsageError, and ControlFolderError where the
 * folder of control sockets is not ours.
 */
export function controlAddress(args: ParsedCommand, { env }: Pick<Io, "env">): StreamAddress {
  const control = args.text("control");
  const [port] = args.texts("port");
  const unix = args.text("unix");
  if (control !== undefined && (port ?? unix) !== undefined) {
    throw new UsageError(`--control and --${port === undefined ? "unix" : "port"} contradict each other`);
  }
  if (port !== undefined && unix !== undefined) {
    throw new UsageError("--unix and --port contradict each other");
  }
  if (control !== undefined) return parseControl("--control", control);
  if (unix !== undefined) return ownSocket(controlName({ path: unix }), env);
  if (port !== undefined) return ownSocket(controlName({ port: args.int("port", 1, 65_535) }), env);
  const variable = env[VARIABLE] ?? "";
  if (variable === "none") {
    throw new UsageError(`${VARIABLE} is "none": name the server with --control, --port or --unix`);
  }
  return variable === "" || variable === "auto"
    ? ownSocket(controlName({ port: DEFAULT_PORT }), env)
    : parseControl(VARIABLE, variable);
}

/** Whether the socket's own place was named, and not only the server's port or Unix socket. */
export function isControlNamed(args: ParsedCommand, { env }: Pick<Io, "env">): boolean {
  if (args.text("control") !== undefined) return true;
  const variable = env[VARIABLE] ?? "";
  return args.texts("port").length === 0 && args.text("unix") === undefined && variable !== "" &&
    variable !== "auto";
}

function parseControl(name: string, text: string): StreamAddress {
  if (text === "") throw new UsageError(`${name}: expected a path or host:port, got ""`);
  if (!isHostAndPort(text)) return { transport: "unix", path: text };
  try {
    return { transport: "tcp", ...parseAddress(text) };
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(`${name}: ${error.message}`) : error;
  }
}

function ownSocket(name: string, env: Io["env"]): StreamAddress {
  const { path, isShared } = controlFolder(env);
  if (isShared) checkOwnFolder(path);
  return { transport: "unix", path: `${path}/${name}` };
}
