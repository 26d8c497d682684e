import type { PluginFactory } from "mevent/plugin";
import { Deliverer } from "./webhook/deliverer.ts";
import { webhookSettings } from "./webhook/settings.ts";

/** Delivers operations as HTTP requests to the endpoints that the config names. */
export default (({ name, config }) => {
  const settings = webhookSettings(config);
  let deliverer: Deliverer | null = null;
  return {
    name,
    description: "delivers operations as HTTP requests",
    concurrency: 64,
    commands: {
      1001: {
        name: "deliver",
        description: "sends `body` to the endpoint",
        run: (context) => deliverer!.deliver(context),
      },
    },
    async start(context) {
      deliverer = new Deliverer(settings, context);
      await deliverer.start();
    },
    stop: () => deliverer?.stop(),
  };
}) satisfies PluginFactory;
