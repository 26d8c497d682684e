/** 1 for the ASCII codes of a name: letters, digits and `_`. */
export const IN_NAME = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
  IN_NAME[char.charCodeAt(0)] = 1;
}

/** True for a UTF-16 unit that may stand in a name of one level; beyond ASCII only `invisibleIn` tells what may not. */
export function isNameCode(code: number): boolean {
  return code > 127 || IN_NAME[code] === 1;
}

/** White space beyond ASCII, controls, and what is drawn as nothing: two names that differ in it look the same. */
const INVISIBLE = /[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** The first code point of the name that cannot be seen; undefined where there is none. */
export function invisibleIn(name: string): number | undefined {
  return INVISIBLE.exec(name)?.[0].codePointAt(0);
}

/** True for a name of one level that HDF text can write: no dot, not empty, all of it to be seen. */
export function isHdfName(name: string): boolean {
  let isAscii = true;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (!isNameCode(code)) return false;
    if (code > 127) isAscii = false;
  }
  return name !== "" && (isAscii || name.isWellFormed() && invisibleIn(name) === undefined);
}
