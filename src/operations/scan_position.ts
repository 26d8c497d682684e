/** The parts of a plugin's operations in the order in which they are looked through. */
export const SECTIONS = ["held", "lanes", "unsynced", "parked", "dead", "ended"] as const;
export type Section = typeof SECTIONS[number];

/**
 * From where a look goes on. It holds numbers alone, and no place in memory: what stood there may have gone since, then the next one
 * counts. What the numbers are depends on the section:
 *
 * | section | part | at | offset |
 * | --- | --- | --- | --- |
 * | held, unsynced | | the id that was the last | |
 * | lanes | lane, as they are counted | order of the segment | of the record that comes next |
 * | parked | | the entry that comes next | |
 * | dead | | order of the letter that was the last | its id |
 * | ended | | order of the segment | of the record that was the last |
 */
export interface ScanPosition {
  readonly section: Section;
  readonly part: number;
  readonly at: number;
  readonly offset: number;
}

const MAX = Number.MAX_SAFE_INTEGER;
const PATTERN = /^(held|lanes|unsynced|parked|dead|ended)-(\d{1,16})-(\d{1,16})-(\d{1,16})$/;

/** Where a section begins. Dead letters and what has ended are looked at from the newest on. */
export function startOf(section: Section): ScanPosition {
  const isBackwards = section === "dead" || section === "ended";
  return { section, part: 0, at: isBackwards ? MAX : 0, offset: isBackwards ? MAX : 0 };
}

/** As text, for who goes on later. */
export function positionText({ section, part, at, offset }: ScanPosition): string {
  return `${section}-${part}-${at}-${offset}`;
}

/** Null where the text is none. */
export function parsePosition(text: string): ScanPosition | null {
  const [, name, part, at, offset] = PATTERN.exec(text) ?? [];
  const section = SECTIONS.find((each) => each === name);
  if (section === undefined) return null;
  const position = { section, part: Number(part), at: Number(at), offset: Number(offset) };
  return [position.part, position.at, position.offset].every(Number.isSafeInteger) ? position : null;
}
