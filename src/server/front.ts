import { adminRoutes } from "../admin/admin_routes.ts";
import type { PackedPage } from "../admin/packed_page.ts";
import { HttpError } from "../http/http_error.ts";
import type { ControlTarget } from "../control/control_target.ts";
import { httpFront } from "../http/http_front.ts";
import { Admission } from "../net/admission.ts";
import type { DescriptorReserve } from "../net/descriptor_reserve.ts";
import type { EpollLoop } from "../net/epoll_loop.ts";
import type { NetContext } from "../net/stream_handler.ts";
import type { Readiness } from "../observe/readiness.ts";
import { Entrance } from "./entrance.ts";
import { Listeners } from "./listeners.ts";
import type { Routing } from "./routing.ts";
import type { ServerOptions } from "./server_options.ts";
import type { WatchedFigures } from "./watched_figures.ts";

/** What a server's front is made of. */
export interface FrontParts {
  readonly options: ServerOptions;
  readonly routing: Routing;
  readonly reserve: DescriptorReserve;
  readonly loop: EpollLoop | null;
  /** What may be done to the server. */
  readonly target: ControlTarget;
  readonly figures: WatchedFigures;
  state(): string;
  readiness(): Readiness;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

function noPage(): Promise<PackedPage> {
  return Promise.reject(new HttpError(404, "this build of mevent has no page"));
}

/** All that callers come in by, and what they are served there. */
export function serverFront(parts: FrontParts): Listeners {
  const { options: { config, log, version }, routing, reserve, loop, target, now } = parts;
  const { router, routes, counters, limits, limitLog } = routing;
  const context: Omit<NetContext, "guard" | "handshakes"> = {
    router,
    routes,
    counters,
    limits,
    limitLog,
    admission: new Admission(counters, () => limits, limitLog, reserve),
    log,
    now,
  };
  const state = () => parts.state();
  const readiness = () => parts.readiness();
  const admin = adminRoutes({
    figures: parts.figures,
    target,
    version,
    startedAt: Date.now(),
    readiness,
    page: parts.options.page ?? noPage,
  });
  const http = httpFront({ ...context, version, state, readiness, routes: admin });
  return new Listeners(context, loop, http, new Entrance(config, () => limits, limitLog, now));
}
