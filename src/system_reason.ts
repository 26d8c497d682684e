/** What the system was asked to do when it refused: the same code says other things of a file and of a socket. */
export type SystemTask = "file" | "connect" | "listen";

type Sentences = Readonly<Record<string, string>>;

/** By the code of the error; what holds for every task. */
const GENERAL: Sentences = {
  EACCES: "this user is not permitted to",
  EAGAIN: "the system has none of what it needs at the moment; try again",
  EBADF: "it is closed",
  EBUSY: "something else uses it",
  ECONNABORTED: "the connection was given up",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the other side broke the connection off",
  EDQUOT: "this user's share of the disk is used up",
  EEXIST: "it is there already",
  EFBIG: "the file is larger than the system lets it be",
  EHOSTUNREACH: "no way leads to that host",
  EINVAL: "the system does not take it as it is",
  EIO: "the device reports an error of input or output",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links lead in a circle",
  EMFILE: "this process has as many files and sockets open as it may (ulimit -n)",
  EMSGSIZE: "the message is longer than the network takes",
  ENAMETOOLONG: "the name is longer than the system takes",
  ENETDOWN: "the network is down",
  ENETUNREACH: "no way leads to that network",
  ENFILE: "the system has as many files and sockets open as it can",
  ENODEV: "there is no such device",
  ENOENT: "there is no such file or folder",
  ENOMEM: "the system has no memory left for it",
  ENOSPC: "no space is left on the device",
  ENOTCONN: "it is not connected",
  ENOTDIR: "a part of the path is no folder",
  ENOTEMPTY: "the folder is not empty",
  ENXIO: "nothing is behind that file",
  EPERM: "this user is not permitted to",
  EPIPE: "the other side has gone",
  EROFS: "the file system is read-only",
  ETIMEDOUT: "the other side does not answer",
  ETXTBSY: "it is a program that runs",
  EXDEV: "it lies on another file system",
};

const BY_TASK: Readonly<Record<SystemTask, Sentences>> = {
  file: {},
  connect: {
    EACCES: "this user may not use that socket",
    EAGAIN: "more connections wait there than the server takes in",
    ENOENT: "there is no such socket: does the server run, and listen there?",
    ENOTDIR: "a part of the socket's path is no folder",
    EADDRNOTAVAIL: "this machine has no address or port left to connect from",
  },
  listen: {
    EACCES: "this user may not listen there",
    EADDRINUSE: "the address is in use: another program listens there",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOENT: "the socket's folder is not there",
    ENOTDIR: "a part of the socket's path is no folder",
  },
};

/** What comes without a code, or says more than it. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/SUN_LEN/, "the socket's path has more bytes than the system takes (107 on Linux)"],
  [/NUL byte/, "the name has a character 0 in it"],
  [/EAI_AGAIN|Temporary failure in name resolution/, "the name server does not answer"],
  [
    /ENOTFOUND|failed to lookup address information|Name or service not known/,
    "no host of that name is known",
  ],
];

/**
 * An error of the system in words: `nothing listens there` for ECONNREFUSED. Of any other error, and of a code that is
 * not known here, what it says itself, without the number and the call.
 */
export function systemReason(error: unknown, task: SystemTask): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  for (const [pattern, sentence] of BY_TEXT) if (pattern.test(message)) return sentence;
  const code = codeOf(error);
  const sentence = BY_TASK[task][code] ?? GENERAL[code];
  return sentence ?? message.replace(/ \(os error \d+\).*$/s, "");
}

/** The system's name of the error: `ENOENT`; "" where it has none. */
function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
