import { openWithDescriptor } from "../../src/net/find_descriptor.ts";
import { EpollLoop } from "../../src/net/epoll_loop.ts";
import {
  EPOLLIN,
  IPPROTO_TCP,
  type Libc,
  loadLibc,
  MSG_NOSIGNAL,
  SOCK_NONBLOCK_CLOEXEC,
  TCP_NODELAY,
} from "../../src/net/libc.ts";
import { answerAll, buffers } from "./deno_loop.ts";

const ONE = new Uint8Array(new Int32Array([1]).buffer);

/** Answers frames with epoll through FFI and does nothing else. */
export function serveWithEpoll(port: number): void {
  const library = loadLibc();
  if (library === null) throw new Error("there is no epoll here");
  const libc = library.symbols;
  const loop = new EpollLoop(libc, {
    turned: () => {},
    dispatch: () => {},
    poll: () => false,
    isAwaiting: () => false,
    sleep: () => true,
  });
  const { fd: listener } = openWithDescriptor(libc, () => Deno.listen({ hostname: "127.0.0.1", port }));
  if (listener === null) throw new Error("the listener's descriptor was not found");
  loop.add(listener, EPOLLIN, {
    ready() {
      for (let fd = accept(libc, listener); fd >= 0; fd = accept(libc, listener)) serve(loop, fd);
    },
  });
}

function accept(libc: Libc, listener: number): number {
  return libc.accept4(listener, null, null, SOCK_NONBLOCK_CLOEXEC);
}

function serve(loop: EpollLoop, fd: number): void {
  const { libc } = loop;
  const { reader, out } = buffers();
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, ONE.length);
  loop.add(fd, EPOLLIN, {
    ready() {
      const space = reader.space();
      const count = libc.recv(fd, space, space.length, 0);
      if (count <= 0) {
        loop.remove(fd);
        libc.close(fd);
        return;
      }
      reader.received(count);
      // The replies to what was read are few bytes: the socket takes them whole.
      libc.send(fd, out, answerAll(reader, out), MSG_NOSIGNAL);
    },
  });
}
