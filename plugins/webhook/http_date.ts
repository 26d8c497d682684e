const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
/** The three forms of RFC 9110, 5.6.7: as it is written today, as RFC 850 had it, and as C's `asctime` writes it. */
const FORMS = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];
/** A year of two digits that seems so many years ahead was a century before. */
const YEARS_AHEAD = 50;

/**
 * What a date of HTTP says, in ms since 1970; undefined where the text is none. All forms are in UTC.
 *
 * @param now in ms since 1970
 */
export function httpDate(text: string, now: number): number | undefined {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((each) => each !== undefined);
  if (parts === undefined) return undefined;
  const [day, hour, minute, second] = ["day", "hour", "minute", "second"].map((key) => Number(parts[key]));
  const month = MONTHS.indexOf(parts["month"]!);
  const year = yearOf(parts["year"]!, now);
  // A leap second is the next one.
  const isTime = hour! < 24 && minute! < 60 && second! <= 60;
  const isDay = new Date(Date.UTC(year, month, day)).getUTCDate() === day;
  return isTime && isDay ? Date.UTC(year, month, day, hour, minute, second) : undefined;
}

function yearOf(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - thisYear % 100 + Number(digits);
  return year > thisYear + YEARS_AHEAD ? year - 100 : year;
}
