/** The C library's socket calls, for the listeners that wait with epoll; Linux alone. */
const SYMBOLS = {
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  /** Waits on another thread. */
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32", nonblocking: true },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epoll_wait_blocking: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  /** musl has none. */
  mallopt: { parameters: ["i32", "i32"], result: "i32", optional: true },
  madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  setpriority: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
} as const;

/** The library, to be closed by whoever loaded it. */
export type LibcLibrary = Deno.DynamicLibrary<typeof SYMBOLS>;
/** Calls into libc; -1 is an error, as in C. What the error was is told by the next epoll event, not by errno. */
export type Libc = LibcLibrary["symbols"];

/** Loads the library; null where there is none that these calls fit. */
export function loadLibc(): LibcLibrary | null {
  if (Deno.build.os !== "linux") return null;
  for (const name of ["libc.so.6", "libc.so"]) {
    try {
      return Deno.dlopen(name, SYMBOLS);
    } catch {
      // Another C library, or no permission to load it: the next name, or the portable listeners.
    }
  }
  return null;
}

export const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_DONTWAIT = 0x40;
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EFD_NONBLOCK_CLOEXEC = 0o2004000;
export const SHUT_WR = 1;
export const SIOCOUTQ = 0x5411;
export const SOL_SOCKET = 1;
/** Bytes of the longest socket address, a Unix socket's. */
export const SOCKADDR_BYTES = 110;
export const SO_KEEPALIVE = 9;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
