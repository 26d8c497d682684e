import { isExactNumber, withoutRaw } from "../exact_number.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { HdfValueError } from "./error.ts";
import { HDF_LIMITS } from "./limits.ts";
import { isHdfName } from "./name.ts";
import { HdfNode } from "./node.ts";
import { numberFromText, numberToText } from "./number.ts";

/** The values of the attribute `type`. */
export const HDF_TYPE = {
  string: "100",
  bool: "101",
  int: "102",
  int64: "103",
  float: "104",
  datetime: "105",
  timestamp: "106",
  object: "107",
  array: "108",
} as const;

/** The key that holds the value of a node that has children, too. */
const OWN_VALUE = "";

/**
 * The tree as JSON. What has no type, or a type of text, is a string; numbers are exact.
 * A node with a value and children is an object with the value under the key "", its array type or none. An array's
 * nodes come in the order of their numbers, from whichever those count; where one has another name, the node is an
 * object. Throws HdfValueError where a value does not spell its type, and below `depth` levels.
 */
export function hdfToJson(root: HdfNode, depth = HDF_LIMITS.depth): JsonObject {
  return objectFrom(root, depth);
}

/**
 * The JSON object as a tree, with types where text alone would lose them; an array, and an object without keys, is a
 * node with a type and an empty value. Throws HdfValueError with the path of what HDF cannot name or hold: null, a key
 * that is no HDF name, a string with a NUL or half a surrogate pair, a number that is not finite, what lies below
 * `depth` levels.
 */
export function jsonToHdf(value: JsonObject, depth = HDF_LIMITS.depth): HdfNode {
  const root = new HdfNode("");
  fillObject(root, value, depth);
  return root;
}

function valueFrom(node: HdfNode, depth: number): JsonValue {
  const { type, value } = node;
  const isEmpty = value === undefined || value === "";
  if (type === HDF_TYPE.array && isEmpty) {
    const numbers = numbersOf(node);
    return numbers === undefined ? objectFrom(node, depth) : arrayFrom(node, numbers, depth);
  }
  if (value === undefined || node.size > 0 || type === HDF_TYPE.object && isEmpty) {
    return objectFrom(node, depth);
  }
  return scalarFrom(node, value);
}

/** The value as its type says; C readers take an empty one for 0, so that is what it is here. */
function scalarFrom(node: HdfNode, text: string): JsonValue {
  const { type } = node;
  if (type === HDF_TYPE.bool) return boolFrom(node, text);
  if (type !== HDF_TYPE.int && type !== HDF_TYPE.int64 && type !== HDF_TYPE.float) return text;
  if (text === "") return 0;
  const number = numberFromText(text, type !== HDF_TYPE.float);
  if (number !== undefined) return number;
  // What printf makes of a double that is no number: there is none in JSON for it.
  if (type === HDF_TYPE.float && /^[+-]?(?:nan|inf|infinity)$/i.test(text)) return text;
  const wanted = type === HDF_TYPE.float ? "a finite number" : "an integer of 64 bits";
  throw new HdfValueError(
    node.path(),
    `has type ${type} and does not spell ${wanted}: correct one of the two`,
  );
}

function boolFrom(node: HdfNode, text: string): boolean {
  if (text === "true") return true;
  if (text === "false" || text === "") return false;
  if (/^[+-]?[0-9]+$/.test(text)) return /[1-9]/.test(text);
  throw new HdfValueError(node.path(), `has type ${node.type} (bool): write 1 or 0`);
}

function objectFrom(node: HdfNode, depth: number): JsonObject {
  checkDepth(node, depth);
  const object: JsonObject = {};
  const isContainer = node.type === HDF_TYPE.object || node.type === HDF_TYPE.array;
  if (node.value !== undefined && !(isContainer && node.value === "")) {
    object[OWN_VALUE] = scalarFrom(node, node.value);
  }
  for (const child of node.children()) {
    setMember(object, child.name, valueFrom(child, depth - 1));
  }
  return object;
}

/** Gives an object a member of that name, whatever the name: `__proto__` is one like others. */
export function setMember(object: JsonObject, name: string, value: JsonValue): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** The names of the children in the order of the numbers they are; undefined where one is none. */
function numbersOf(node: HdfNode): readonly string[] | undefined {
  const names: string[] = [];
  let isSorted = true;
  let last = -1;
  for (const { name } of node.children()) {
    if (!/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return undefined;
    names.push(name);
    const number = Number(name);
    if (number < last) isSorted = false;
    last = number;
  }
  return isSorted ? names : names.sort((a, b) => Number(a) - Number(b));
}

function arrayFrom(node: HdfNode, names: readonly string[], depth: number): JsonValue[] {
  checkDepth(node, depth);
  const array: JsonValue[] = [];
  for (const name of names) {
    const child = node.get(name);
    if (child !== undefined) array.push(valueFrom(child, depth - 1));
  }
  return array;
}

function checkDepth(node: HdfNode, depth: number): void {
  if (depth < 1 && node.size > 0) throw new HdfValueError(node.path(), "has too many levels: nest less");
}

function fillObject(node: HdfNode, object: JsonObject, depth: number): void {
  const keys = Object.keys(object);
  for (const key of keys) {
    const value = object[key];
    if (key === OWN_VALUE && node.parent !== undefined && keys.length > 1) fillOwn(node, value);
    else if (isHdfName(key)) fill(addChild(node, key, depth), value, depth - 1);
    else {
      throw new HdfValueError(
        childPath(node, key),
        "is no HDF name: use letters, digits, _ and no dot in the key",
      );
    }
  }
}

/** Sets the value of a node that gets children, too: only what is written as a value of its own can stand there. */
function fillOwn(node: HdfNode, value: JsonValue | undefined): void {
  if (typeof value === "object" && !isExactNumber(value)) {
    throw new HdfValueError(childPath(node, OWN_VALUE), "must be a string, number or boolean: give it a key");
  }
  fill(node, value, 0);
}

/** Sets value and type of a new node; a caller without types may have handed in what is no JSON at all. */
function fill(node: HdfNode, given: JsonValue | undefined, depth: number): void {
  const value = withoutRaw(given);
  if (typeof value === "string") {
    node.value = checkText(node, value);
  } else if (typeof value === "number" || typeof value === "bigint" || isExactNumber(value)) {
    const spelled = numberToText(value);
    if (spelled === undefined) throw new HdfValueError(node.path(), `is ${value}: send a finite number`);
    node.value = spelled.text;
    node.type = HDF_TYPE[spelled.type];
  } else if (typeof value === "boolean") {
    node.value = value ? "1" : "0";
    node.type = HDF_TYPE.bool;
  } else if (Array.isArray(value)) {
    node.value = "";
    node.type = HDF_TYPE.array;
    for (let index = 0; index < value.length; index++) {
      fill(addChild(node, String(index), depth), value[index], depth - 1);
    }
  } else if (typeof value === "object" && value !== null) {
    fillObject(node, value, depth);
    if (node.size > 0) return;
    node.value = "";
    node.type = HDF_TYPE.object;
  } else {
    const found = value === null ? "null" : `of type ${typeof value}`;
    throw new HdfValueError(node.path(), `is ${found}, which HDF cannot hold: leave the key out`);
  }
}

function addChild(node: HdfNode, name: string, depth: number): HdfNode {
  if (depth < 1) throw new HdfValueError(childPath(node, name), "lies too deep: nest less");
  return node.add(name);
}

function checkText(node: HdfNode, text: string): string {
  if (text.includes("\0")) throw new HdfValueError(node.path(), "has a NUL, which ends HDF text: encode it");
  if (!text.isWellFormed()) {
    throw new HdfValueError(node.path(), "has half a surrogate pair: send whole characters");
  }
  return text;
}

function childPath(node: HdfNode, key: string): string {
  return node.parent === undefined ? key : `${node.path()}.${key}`;
}
