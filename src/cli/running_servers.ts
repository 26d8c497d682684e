import type { ServerAddress } from "../client/address.ts";
import { ConnectError } from "../client/errors.ts";
import { checkOwnFolder, controlFolder, ControlFolderError } from "../control/control_path.ts";
import type { Io } from "./io.ts";
import { quoted } from "./shell.ts";

/** More sockets than this are not looked at: each is connected to. */
const MAX_LOOKED_AT = 32;
const NAME = /^mevent-(?:(\d+)|unix-[0-9a-f]+)\.sock$/;

/**
 * For a server that cannot be reached: the commands that reach those of this user that run, a line each; "" where there
 * are none, or where it was another failure. A server is found by its control socket, named by itself.
 *
 * @param isChosen whether the command line said where the control socket is: then others are no news
 */
export async function runningServers(
  error: unknown,
  command: string,
  env: Io["env"],
  isChosen: boolean,
): Promise<string> {
  if (isChosen || !(error instanceof ConnectError)) return "";
  const lines = (await living(env)).map(({ socket, port }) =>
    // A server may have that port for UDP alone: figures are asked for where all can be asked.
    `  mevent ${command} ${
      port === undefined || command === "stats" ? `--control ${quoted(socket)}` : `--port ${port}`
    }\n`
  );
  return lines.length === 0 ? "" : `What runs is reached by:\n${lines.join("")}`;
}

/** Whether a server at the address would be one of this machine. */
export function isOfThisMachine(address: ServerAddress): boolean {
  return address.transport === "unix" || /^(127\.|::1$|localhost$)/.test(address.hostname);
}

/** Control sockets that somebody listens on, and the port that each has its name from. */
async function living(
  env: Io["env"],
): Promise<{ readonly socket: string; readonly port: string | undefined }[]> {
  const { path, isShared } = controlFolder(env);
  const found = [];
  for (const name of socketNames(path, isShared)) {
    const socket = `${path}/${name}`;
    if (await listens(socket)) found.push({ socket, port: NAME.exec(name)?.[1] });
  }
  return found;
}

function socketNames(path: string, isShared: boolean): string[] {
  try {
    if (isShared) checkOwnFolder(path);
    const names = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => NAME.test(name));
    return names.sort().slice(0, MAX_LOOKED_AT);
  } catch (error) {
    // Nobody has a socket there, or not for us.
    if (error instanceof ControlFolderError || isOfFile(error)) return [];
    throw error;
  }
}

function isOfFile(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotADirectory;
}

async function listens(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}
