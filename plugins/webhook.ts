import type { PluginFactory, PluginSettings } from "mevent/plugin";
import { Deliverer, requireHosts } from "./webhook/deliverer.ts";
import { webhookSettings } from "./webhook/settings.ts";
import { Signer } from "./webhook/signer.ts";

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

/** Rejects where a host, a proxy or the file of a secret is not granted, or a secret is not there. */
export async function checkGrants({ config }: PluginSettings): Promise<void> {
  const settings = webhookSettings(config);
  for (const { secret } of [settings.defaults, ...settings.endpoints.values()]) await Signer.from(secret);
  requireHosts(settings);
}
