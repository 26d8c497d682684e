import type { Words } from "../protocol/copy_bytes.ts";
import { crc32c } from "./crc32c.ts";
import { damage, JournalError } from "./journal_error.ts";

/**
 * The beginning of a file of the journal, little-endian:
 *
 * ```
 * 0      4         6        8        12           16       24        32    48                 56           64
 * | MEVJ | version | length | crc32c | generation | number | through | run | committed before | created at |
 *   4      2         2        4        4            8        8         16    8                  8, float
 * ```
 *
 * The file stands for those with the numbers `number` to `through`: more than one where compaction has made it. `generation` is 0
 * in a file that was appended to, and counts how often it was compacted otherwise. `committed before` is up to where the file
 * before, if that was appended to, was synced: what lies there beyond never counted. The CRC covers all but itself.
 */
export interface FileHeader {
  readonly generation: number;
  readonly number: number;
  readonly through: number;
  /** 32 hexadecimal digits, those of all files of a journal. */
  readonly run: string;
  readonly committedBefore: number;
  /** Epoch ms. */
  readonly createdAt: number;
}

export const FILE_HEADER_BYTES = 64;
const MAGIC = 0x4a56454d;
export const FILE_VERSION = 1;
const CRC_WORD = 2;
const TWO_TO_32 = 2 ** 32;

/** The name of the file with that number. */
export function fileName(number: number): string {
  return `${String(number).padStart(10, "0")}.journal`;
}

/** The number in such a name; null in any other. */
export function numberOfFile(name: string): number | null {
  const [, digits] = /^(\d{10,15})\.journal$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Writes it to the beginning of `to`; returns its CRC, with which the CRCs of the file's records begin. */
export function writeFileHeader({ words, bytes }: Words, header: FileHeader): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, FILE_HEADER_BYTES);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, FILE_VERSION, true);
  view.setUint16(6, FILE_HEADER_BYTES, true);
  view.setUint32(8, 0, true);
  view.setUint32(12, header.generation, true);
  writeNumber(view, 16, header.number);
  writeNumber(view, 24, header.through);
  for (let at = 0; at < 16; at++) bytes[32 + at] = parseInt(header.run.slice(2 * at, 2 * at + 2), 16);
  writeNumber(view, 48, header.committedBefore);
  view.setFloat64(56, header.createdAt, true);
  const crc = crc32c({ words }, 0, FILE_HEADER_BYTES);
  view.setUint32(8, crc, true);
  return crc;
}

/** What {@link writeFileHeader} has written; throws JournalError with the file's `path`. */
export function readFileHeader(
  from: Words,
  length: number,
  path: string,
): FileHeader & { readonly crc: number } {
  const { words, bytes } = from;
  if (length < FILE_HEADER_BYTES) {
    throw damage(path, 0, `it has ${length} bytes, and its header ${FILE_HEADER_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, FILE_HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC) {
    throw damage(path, 0, "it does not begin as a file of the journal does");
  }
  const crc = words[CRC_WORD]!;
  const isIntact = headerCrc(from) === crc;
  const version = view.getUint16(4, true);
  if (version > FILE_VERSION && (isIntact || view.getUint16(6, true) !== FILE_HEADER_BYTES)) {
    throw newer(path, 0, `it has version ${version}, and this mevent reads ${FILE_VERSION}`);
  }
  if (!isIntact || version !== FILE_VERSION) throw damage(path, 0, "its header is not as it was written");
  return {
    generation: view.getUint32(12, true),
    number: readNumber(view, 16),
    through: readNumber(view, 24),
    run: runOf(from),
    committedBefore: readNumber(view, 48),
    createdAt: view.getFloat64(56, true),
    crc,
  };
}

/** The run that stands in a header. */
export function runOf({ bytes }: Words): string {
  return [...bytes.subarray(32, 48)].map((each) => each.toString(16).padStart(2, "0")).join("");
}

/** The CRC that a header should have. */
export function headerCrc({ words }: Words): number {
  const copy = words.slice(0, FILE_HEADER_BYTES / 4);
  copy[CRC_WORD] = 0;
  return crc32c({ words: copy }, 0, FILE_HEADER_BYTES);
}

/** A file that a newer mevent has written. */
export function newer(path: string, offset: number, what: string): JournalError {
  return new JournalError(
    "version",
    `${path}: at byte ${offset}, ${what}: a newer mevent has written it`,
    path,
    offset,
  );
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value / TWO_TO_32, true);
}

function readNumber(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_TO_32 + view.getUint32(at, true);
}
