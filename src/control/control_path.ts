import { systemReason } from "../system_reason.ts";
import { isAbsolute, resolve } from "node:path";

/** The port of a server that is told nothing. */
export const DEFAULT_PORT = 26000;

/** A folder for control sockets that cannot be used; the message says which and why. */
export class ControlFolderError extends Error {
  override readonly name = "ControlFolderError";
}

/**
 * The folder of the control sockets that `control = "auto"` names: $XDG_RUNTIME_DIR, which is the user's own by
 * definition, else one in the temporary folder that {@link checkOwnFolder} is to look at.
 */
export function controlFolder(env: Readonly<Record<string, string>>): { path: string; isShared: boolean } {
  const runtime = env["XDG_RUNTIME_DIR"] ?? "";
  if (isAbsolute(runtime)) return { path: runtime, isShared: false };
  return { path: `${env["TMPDIR"] || "/tmp"}/mevent-${Deno.uid() ?? "all"}`, isShared: true };
}

/** Whether a text can only be meant as an address: `127.0.0.1:26001`. */
export function isHostAndPort(text: string): boolean {
  return !text.includes("/") && /:\d{1,5}$/.test(text);
}

/** The name of a server's control socket: after the port of its first TCP, else UDP listener, else its Unix socket. */
export function controlName(listener: { readonly port: number } | { readonly path: string }): string {
  return "port" in listener
    ? `mevent-${listener.port}.sock`
    : `mevent-unix-${fnv1a(new TextEncoder().encode(resolve(listener.path)))}.sock`;
}

/**
 * Throws ControlFolderError unless the folder is one, no symbolic link, ours, and closed to others: in a folder that
 * all may write to, anybody may have put it there to hear what we say.
 */
export function checkOwnFolder(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    throw new ControlFolderError(`the folder ${path} cannot be used: ${systemReason(error, "file")}`);
  }
  const problem = info.isSymlink
    ? "it is a symbolic link"
    : !info.isDirectory
    ? "it is no folder"
    : info.uid !== Deno.uid()
    ? `it belongs to user ${info.uid}`
    : ((info.mode ?? 0) & 0o077) !== 0
    ? "others may enter it; chmod 700 closes it to them"
    : null;
  if (problem !== null) throw new ControlFolderError(`the folder ${path} cannot be used: ${problem}`);
}

/** Makes the folder for this user alone where it is not there, and checks it. Throws ControlFolderError. */
export function makeOwnFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) {
      throw new ControlFolderError(`the folder ${path} cannot be made: ${systemReason(error, "file")}`);
    }
  }
  checkOwnFolder(path);
}

/** 32 bits in hex. */
function fnv1a(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
