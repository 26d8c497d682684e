import { systemReason } from "../system_reason.ts";

/** Who may connect to a Unix socket: who may write to its file. */
export interface SocketRights {
  /** Permission bits. */
  readonly mode: number;
  /** A group by name or number; undefined leaves it that of the process. */
  readonly group: string | undefined;
}

/** Until it has its own rights nobody but its owner may connect. */
const OWNER_ONLY = 0o077;
const GROUPS = "/etc/group";

/** Opens a socket whose file has these rights from its first moment. Throws where it cannot; none is open then. */
export function withRights<Socket extends { close(): void }>(
  path: string,
  { mode, group }: SocketRights,
  open: () => Socket,
): Socket {
  const gid = groupId(group);
  const before = Deno.umask(OWNER_ONLY);
  let socket: Socket;
  try {
    socket = open();
  } finally {
    Deno.umask(before);
  }
  try {
    applyRights(path, mode, gid, group);
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

/** Gives the file of a socket that is listened on other rights. Throws where it may not. */
export function setRights(path: string, { mode, group }: SocketRights): void {
  applyRights(path, mode, groupId(group), group);
}

function applyRights(path: string, mode: number, gid: number | null, group: string | undefined): void {
  if (gid !== null) {
    try {
      Deno.chownSync(path, null, gid);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      throw new Error(`this user may not give it to the group ${group}: it is no member of it`);
    }
  }
  Deno.chmodSync(path, mode);
}

/** Throws where there is no such group. */
function groupId(group: string | undefined): number | null {
  if (group === undefined) return null;
  if (/^\d{1,9}$/.test(group)) return Number(group);
  let text: string;
  try {
    text = Deno.readTextFileSync(GROUPS);
  } catch (error) {
    throw new Error(`the group ${group} cannot be looked up, ${GROUPS}: ${systemReason(error, "file")}`);
  }
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name === group && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new Error(`there is no group ${group} in ${GROUPS}`);
}
