import type { PluginPermissions } from "../config/config.ts";
import { PLUGIN_DEFAULTS } from "../config/defaults.ts";
import type { WorkerSettings } from "../pool/supervisor_options.ts";
import type { ModuleSurvey, ReadablePlace, SurveySetup } from "../ring/messages.ts";
import { isFromHost } from "../thread/from_host.ts";
import type { Nursery } from "../thread/nursery.ts";
import { WebWorkerThread } from "../thread/web_worker_thread.ts";
import type { HeldModule } from "./module_store.ts";
import { onAbort } from "./unless_stopped.ts";
import { workerRights } from "./worker_settings.ts";

/** The thread gets so long to begin with the first module: others may have to start before it; in ms. */
const START_MS = 30_000;
/** Each module gets so long to be loaded there, in ms. */
const MODULE_MS = 3_000;
/** After a module that does not end the next thread goes on, up to so many; a worker of its own loads what is left then. */
const MOST_THREADS = 4;
/** What the modules may do: read their own files. */
const NOTHING: PluginPermissions = PLUGIN_DEFAULTS.permissions;

/** A module to be looked at. */
export interface SurveyRequest {
  readonly setup: SurveySetup;
  readonly module: Pick<HeldModule, "prepared">;
  /** Told where it has not come to an end: with the threads, by their ids, that were told to end with it. */
  readonly stuck: (threads: readonly string[]) => void;
}

/** What modules are looked at with. */
export interface SurveyParts {
  readonly nursery: Pick<Nursery, "start" | "demote">;
  /** Whether there is what another thread needs. */
  readonly mayStart: () => boolean;
  /** Nobody waits for it any more: nothing more is started then. */
  readonly dropped: AbortSignal;
  /** Each module gets so long, in ms; without it, 3 s. */
  readonly moduleMs?: number | undefined;
}

/** A module, and whoever waits for what it declares. */
interface Awaited {
  readonly request: SurveyRequest;
  readonly told: PromiseWithResolvers<ModuleSurvey | null>;
}

/**
 * Whether a module may be loaded beside others, for what it declares: all that is loaded in one thread can see and change what
 * comes after it, so what has a config or is granted anything stays alone. A child process has code in it that is to come near nobody.
 */
export function isSurveyable({ minWorkers, setup }: Pick<WorkerSettings, "minWorkers" | "setup">): boolean {
  const granted = Object.values(setup.grants).some((grant) =>
    grant === true || (grant !== false && grant.length > 0)
  );
  return minWorkers !== "all" && !granted && Object.keys(setup.config).length === 0;
}

/**
 * Loads modules one after the other, in one thread that ends then, to learn what they declare: a worker for each would cost
 * four times as long and ten times the memory. Each is told as soon as it is known; null for what did not load there, or not in
 * time: a worker of its own is to tell why.
 */
export function surveyModules(
  requests: readonly SurveyRequest[],
  parts: SurveyParts,
): Promise<ModuleSurvey | null>[] {
  const each = requests.map((request): Awaited => ({ request, told: Promise.withResolvers() }));
  const isForeign = ({ request }: Awaited) => request.setup.original !== null;
  // What is built in is loaded before other code has been there.
  surveyAll([...each.filter((one) => !isForeign(one)), ...each.filter(isForeign)], parts)
    .catch((error) => each.forEach(({ told }) => told.reject(error)));
  return each.map(({ told }) => told.promise);
}

async function surveyAll(left: Awaited[], parts: SurveyParts): Promise<void> {
  for (let threads = 0; threads < MOST_THREADS && left.length > 0; threads++) {
    if (parts.dropped.aborted || (threads > 0 && !parts.mayStart())) break;
    if (!await surveyInOne(left, parts)) break;
  }
  for (const { told } of left.splice(0)) told.resolve(null);
}

/** Takes those off the list that one thread has told, or could not; false where another thread would not do better. */
async function surveyInOne(left: Awaited[], parts: SurveyParts): Promise<boolean> {
  const { nursery, dropped, moduleMs = MODULE_MS } = parts;
  const ended = Promise.withResolvers<void>();
  let isLoading = false;
  let index = 0;
  let timer = setTimeout(ended.resolve, START_MS);
  onAbort(dropped, ended.resolve);
  const requests = left.map(({ request }) => request);
  const { permissions, readable } = rightsOf(requests);
  const thread = new WebWorkerThread(nursery.start, "survey", permissions, {
    message: (data) => {
      if (!isFromHost(data)) return;
      if (data.kind === "failed") return ended.resolve();
      // In their order, and each once.
      if ((data.kind !== "surveying" && data.kind !== "surveyed") || data.index !== index) return;
      clearTimeout(timer);
      isLoading = data.kind === "surveying";
      if (data.kind === "surveyed") {
        index++;
        left.shift()?.told.resolve(data.survey);
      }
      if (left.length === 0) ended.resolve();
      else timer = setTimeout(ended.resolve, moduleMs);
    },
    replies: () => {},
    returned: () => {},
    failed: () => ended.resolve(),
  });
  const setups = requests.map(({ setup }) => setup);
  thread.post({
    kind: "survey",
    setups,
    readable,
    isFenced: setups.some(({ original }) => original !== null),
  });
  await ended.promise;
  clearTimeout(timer);
  if (isLoading && !dropped.aborted) {
    const { request, told } = left.shift()!;
    // Where it is not sure which of them it is, none: another one may be at work.
    if (thread.threads.length === 1) nursery.demote(thread.threads);
    request.stuck(thread.threads);
    told.resolve(null);
  }
  thread.terminate();
  return isLoading;
}

/** The rights of all together. */
function rightsOf(
  requests: readonly SurveyRequest[],
): { permissions: Deno.PermissionOptionsObject; readable: readonly ReadablePlace[] | null } {
  const each = requests.flatMap(({ module: { prepared } }) =>
    prepared === null ? [] : [workerRights(NOTHING, prepared)]
  );
  const read = each.flatMap(({ permissions }) => Array.isArray(permissions.read) ? permissions.read : []);
  const places = each.flatMap(({ readable }) => readable ?? []);
  const readable = places.length === 0
    ? null
    : [...new Map(places.map((place) => [place.path, place])).values()];
  const permissions = {
    net: false,
    write: false,
    env: false,
    run: false,
    sys: false,
    import: false,
    ffi: readable !== null,
    read: read.length === 0 ? false : read,
  };
  return { permissions, readable };
}
