// Holds every operation until its cache has the key "open" (system command 101), then lets all through at once: a
// plugin that is stuck, and one whose backlog is worked off as fast as mevent hands it out.

const LOOK_EVERY_MS = 20;
let isOpen = false;

export default {
  name: "gate",
  description: "holds everything until it is opened",
  concurrency: 1,
  commands: {
    1001: { name: "pass", run: (context) => isOpen ? undefined : waitUntilOpen(context.cache) },
  },
};

async function waitUntilOpen(cache) {
  while (await cache.get("open") === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  isOpen = true;
}
