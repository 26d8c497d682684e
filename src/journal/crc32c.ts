import type { Words } from "../protocol/copy_bytes.ts";

/** Castagnoli's polynomial, its bits turned round. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 words: what a byte does to the CRC that comes so many bytes before the end of the eight. */
const TABLES = makeTables();

/** The CRC-32C of `from` to `to`, 8 bytes or a multiple of that from a multiple of 4 on, which goes on from `crc`. */
export function crc32c({ words }: Pick<Words, "words">, from: number, to: number, crc = 0): number {
  const tables = TABLES;
  const end = to >>> 2;
  let state = ~crc;
  for (let word = from >>> 2; word < end; word += 2) {
    const low = words[word]! ^ state;
    const high = words[word + 1]!;
    state = tables[0x700 | (low & 0xff)]! ^ tables[0x600 | ((low >>> 8) & 0xff)]! ^
      tables[0x500 | ((low >>> 16) & 0xff)]! ^ tables[0x400 | (low >>> 24)]! ^
      tables[0x300 | (high & 0xff)]! ^ tables[0x200 | ((high >>> 8) & 0xff)]! ^
      tables[0x100 | ((high >>> 16) & 0xff)]! ^ tables[high >>> 24]!;
  }
  return ~state >>> 0;
}

/** The CRC-32C of one word, which goes on from `crc`. */
export function crc32cOfWord(value: number, crc = 0): number {
  const low = value ^ ~crc;
  const state = TABLES[0x300 | (low & 0xff)]! ^ TABLES[0x200 | ((low >>> 8) & 0xff)]! ^
    TABLES[0x100 | ((low >>> 16) & 0xff)]! ^ TABLES[low >>> 24]!;
  return ~state >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}
