import { EpollLoop } from "../net/epoll_loop.ts";
import type { LibcLibrary } from "../net/libc.ts";
import type { LoopDelay } from "../observe/loop_delay.ts";
import type { Router } from "../router/router.ts";
import type { PluginSet } from "./plugin_set.ts";

/** The loop that waits for sockets, and looks at what plugins have to tell; null without the library. */
export function serverLoop(
  libc: LibcLibrary | null,
  router: Router,
  plugins: PluginSet,
  delay: LoopDelay,
): EpollLoop | null {
  return libc === null ? null : new EpollLoop(libc.symbols, {
    dispatch: () => router.dispatch(),
    poll: () => plugins.poll(),
    isAwaiting: () => plugins.isAwaiting,
    sleep: () => plugins.sleep(),
    turned: (ms, now) => delay.held(ms, now),
  });
}
