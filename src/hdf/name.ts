/** 1 for the ASCII codes of a name: letters, digits and `_`. */
const IN_NAME = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
  IN_NAME[char.charCodeAt(0)] = 1;
}

/** True for a UTF-16 unit that may stand in a name of one level; all that UTF-8 writes with bytes over 127 may. */
export function isNameCode(code: number): boolean {
  return code > 127 || IN_NAME[code] === 1;
}

/** True for a name of one level that HDF text can write: no dot, not empty, no half of a surrogate pair. */
export function isHdfName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (!isNameCode(name.charCodeAt(i))) return false;
  }
  return name !== "" && name.isWellFormed();
}
