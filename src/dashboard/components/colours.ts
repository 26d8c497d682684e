import { THEME_CHANGED } from "../theme.ts";

const known = new Map<string, string>();
let probe: HTMLElement | null = null;

document.addEventListener(THEME_CHANGED, () => known.clear());

/** A colour of tokens.css as a canvas takes it, by its name, as `--accent`. */
export function colour(name: string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  if (probe === null) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  const value = getComputedStyle(probe).color;
  known.set(name, value);
  return value;
}
