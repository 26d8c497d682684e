import { ValueError } from "./database.ts";

const DATED =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)([.,]\d+)?)?\s*(?:([zZ]|UTC|GMT)|([+-])(\d\d)(?::?(\d\d))?)$/;
/** A time of day with a zone behind it: an offset, Z, or a name. */
const ZONED = /\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:[zZ]|[+-]\d\d|(?!(?:[AP]\.?M|BC|AD)\b)[A-Za-z]{3,})/i;
const MINUTE_MS = 60_000;

/**
 * A date with a time of day for a column that knows no zone: where the text names an offset it is given in UTC, as no database keeps
 * the offset. Other texts stay what they are. Throws ValueError for a zone by name.
 *
 * @param separator what stands between the day and the time
 */
export function utcText(text: string, separator: "T" | " "): string {
  const match = DATED.exec(text);
  if (match === null) {
    if (ZONED.test(text)) throw new ValueError("knows no zones: give the time with an offset, +02:00, or Z");
    return text;
  }
  const [, year, month, day, hour, minute, second = "00", part = "", , sign, hours = "0", minutes = "0"] =
    match;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  const fraction = part.replace(",", ".");
  const given = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const at = new Date(given);
  // The 30th of February, 24:00 and leap seconds are for the database to judge; without an offset they may be as they are.
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 19) !== given.slice(0, 19)) {
    if (offset === 0) return `${year}-${month}-${day}${separator}${hour}:${minute}:${second}${fraction}`;
    throw new ValueError(`cannot hold ${JSON.stringify(text)}: there is no such time`);
  }
  at.setTime(at.getTime() - offset * MINUTE_MS);
  if (at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) {
    throw new ValueError(`cannot hold ${JSON.stringify(text)}: in UTC its year has not four digits`);
  }
  const [date = "", time = ""] = at.toISOString().slice(0, 19).split("T");
  return `${date}${separator}${time}${fraction}`;
}

/** A text for a column of days, or of times of day, without a zone. Throws ValueError where it names one, which would get lost. */
export function withoutZone(text: string): string {
  if (!ZONED.test(text)) return text;
  throw new ValueError("knows no zones: give the day, or the time of day, without one");
}

/** Whether a text may be a time with a zone. */
export function mayHaveZone(text: string): boolean {
  return ZONED.test(text);
}
