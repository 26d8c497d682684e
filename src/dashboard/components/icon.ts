import { html, type TemplateResult } from "../lit.ts";

const PATHS = {
  overview: "M3 3.5h4.5v5H3zM8.5 3.5H13v3H8.5zM8.5 8H13v4.5H8.5zM3 10h4.5v2.5H3z",
  operations: "M3 4h10M3 8h10M3 12h6",
  failures: "M8 2.5l6 10.5H2zM8 6.5v3M8 11.2v.1",
  timers: "M8 14A5.5 5.5 0 1 0 8 3a5.5 5.5 0 0 0 0 11zM8 5.5v3l2 1.5M6.5 1.5h3",
  log: "M3.5 2.5h9v11h-9zM5.75 5.5h4.5M5.75 8h4.5M5.75 10.5h2.5",
  try: "M5 3.5l7 4.5-7 4.5z",
  alerts:
    "M8 2.5a3.5 3.5 0 0 0-3.5 3.5c0 3.5-1.5 4.5-1.5 4.5h10s-1.500-1-1.500-4.500A3.500 3.500 0 0 0 8 2.500zM6.750 13h2.500",
  audit: "M8 2l5 2v4c0 3-2.200 5-5 6-2.800-1-5-3-5-6V4zM5.750 8l1.750 1.750L10.500 6.500",
  plugin: "M3 5.500l5-2.750 5 2.750v5l-5 2.750-5-2.750zM3 5.500l5 2.750 5-2.750M8 8.250v5",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.250 10.250l3.250 3.250",
  good: "M3.500 8.500l3 3 6-7",
  warn: "M8 3v6M8 12v.1",
  bad: "M4.500 4.500l7 7M11.500 4.500l-7 7",
  idle: "M4 8h8",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  play: "M5 3.500l7 4.500-7 4.500z",
  close: "M4 4l8 8M12 4l-8 8",
  menu: "M2.500 4.500h11M2.500 8h11M2.500 11.500h11",
  sun:
    "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500v1.250M8 13.250v1.250M1.500 8h1.250M13.250 8h1.250M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3 5.500 5.500 0 1 0 13 9.500z",
  system: "M2.500 3.500h11v7.500h-11zM6 13.500h4",
  keyboard: "M2 4.500h12v7H2zM4.500 7h.1M7 7h.1M9.500 7h.1M12 7h-.1M5.500 9.500h5",
  logout: "M6.500 3H3.500v10h3M10 5.500L12.500 8 10 10.500M12.500 8H6.500",
  reload: "M13 8a5 5 0 1 1-1.500-3.550M13 2.500v2.500h-2.500",
  trash: "M3 4.500h10M6 4.500V3h4v1.500M4.500 4.500l.5 8.500h6l.5-8.500",
  retry: "M3 8a5 5 0 1 0 1.500-3.550M3 2.500v2.500h2.500",
  edit: "M10.500 3l2.500 2.500-7 7H3.500V10z",
  empty: "M2.500 8.500l2-5h7l2 5v4h-11zM2.500 8.500h3l1 2h3l1-2h3",
  lost:
    "M2 6a9 9 0 0 1 3-1.900M14 6a9 9 0 0 0-6-2.400M4.200 8.700a5.800 5.800 0 0 1 2.300-1.400M8 12.400v.1M2.500 2.500l11 11",
  next: "M6 3.500L10.500 8 6 12.500",
  info: "M8 7.500V12M8 4.300v.1",
} as const;

export type IconName = keyof typeof PATHS;

/** A sign of 16 by 16; it says nothing to who cannot see it, so a word stands beside it or in the label around it. */
export function icon(name: IconName): TemplateResult {
  return html`
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d="${PATHS[name]}" />
    </svg>
  `;
}
