import type { IconName } from "./components/icon.ts";
import type { Page, ViewMaker } from "./page.ts";
import type { TextKey } from "./texts.ts";
import { failuresView } from "./views/failures.ts";
import { overviewView } from "./views/overview.ts";
import { pluginView } from "./views/plugin.ts";

/** A view that has a place in the navigation, the palette and the keyboard's help. */
export interface ViewEntry {
  /** The first segment of its address; empty for the overview. */
  readonly path: string;
  readonly title: TextKey;
  readonly icon: IconName;
  /** `g` and this key go there. */
  readonly key: string;
  readonly make: ViewMaker;
  /** Stands beside its name in the navigation; null for nothing. */
  count?(page: Page): { readonly count: number; readonly isBad: boolean } | null;
}

/** In the order of the navigation. */
export const VIEWS: readonly ViewEntry[] = [
  { path: "", title: "nav.overview", icon: "overview", key: "o", make: overviewView },
  { path: "failures", title: "nav.failures", icon: "failures", key: "f", make: failuresView },
];

/** Makes the view of an address; null where there is none. */
export function viewMaker(segments: readonly string[]): ViewMaker | null {
  const [path = "", name] = segments;
  if (path === "plugins" && name !== undefined && segments.length === 2) return pluginView;
  if (segments.length > 2) return null;
  return VIEWS.find((entry) => entry.path === path)?.make ?? null;
}
