import { originalNames } from "../modules/original_names.ts";
import type { FromHost, SurveyOrder, SurveySetup } from "../ring/messages.ts";
import { tellBy, textOf, toldText } from "../text_of.ts";
import { batchBounds } from "./batch_bounds.ts";
import { confine } from "./confine.ts";
import { declarationOf } from "./declaration.ts";
import { fence } from "./fence.ts";
import { loadPlugin } from "./loader.ts";

/**
 * Loads modules one after the other, to tell what they declare; nothing of them is started. What is built in comes first, as
 * the others are loaded behind the same bounds as in workers of their own. Of one that does not load nothing more is said: a
 * worker of its own tells why.
 *
 * @param post bound before any of them is loaded: they share this thread's globals
 */
export async function survey(
  { setups, readable, isFenced }: SurveyOrder,
  post: (message: FromHost) => void,
): Promise<void> {
  let isBound = false;
  for (const [index, setup] of setups.entries()) {
    if (setup.original !== null && !isBound) {
      isBound = true;
      try {
        if (readable !== null) confine(readable);
        if (isFenced) fence();
      } catch (error) {
        return post({ kind: "failed", message: textOf(error) });
      }
    }
    post({ kind: "surveying", index });
    await tell(setup, index, post);
  }
}

async function tell(setup: SurveySetup, index: number, post: (message: FromHost) => void): Promise<void> {
  const { name, module, original } = setup;
  tellBy({ text: original === null ? (text) => text : originalNames(original), missing: () => undefined });
  try {
    const { plugin, remarks } = await loadPlugin(module, { name, config: {} });
    const declaration = declarationOf(plugin, setup, batchBounds(plugin));
    post({
      kind: "surveyed",
      index,
      survey: { declaration, remarks: remarks.map(({ text }) => toldText(text)) },
    });
  } catch {
    post({ kind: "surveyed", index, survey: null });
  }
}
