/** True for what C's `isspace` calls white space; Unicode's other spaces belong to the text. */
export function isSpaceCode(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** The first place from `at` to `end` where no white space stands; `end` where there is none. */
export function skipSpace(text: string, at: number, end: number): number {
  while (at < end && isSpaceCode(text.charCodeAt(at))) at++;
  return at;
}
