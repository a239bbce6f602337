import { isAscii, isUtf8 } from 'node:buffer';
import { endOfString, parseJson } from './parse-json.js';

export type JsonObject = Record<string, unknown>;

/** Returns an own member of an object. Names come from outside, and every object inherits some members. */
export function own(of: object, name: string): unknown {
  return Object.hasOwn(of, name) ? (of as JsonObject)[name] : undefined;
}

/** Whether a value is a JSON object: neither an array nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The size of a value, at all depths. */
export interface JsonSize {
  /** The characters of the shortest JSON text without escapes. Negative if that is not known. */
  length: number;
  /** The members of objects. */
  members: number;
  /** The items of arrays. */
  items: number;
  /** Objects and arrays. */
  objects: number;
}

/** Returns a size for {@link parseStrictObject} to fill in. */
export function unknownSize(): JsonSize {
  return { length: 0, members: 0, items: 0, objects: 0 };
}

/** How deep objects and arrays may be nested. The outermost counts as one. */
export const MAX_JSON_DEPTH = 32;
const MAX_MEMBERS = 1_000;
const MAX_ITEMS = 10_000;
/** The longest text that is parsed before its members are counted: it is too short to contain too many. */
const MAX_PARSED_FIRST = 4 * MAX_MEMBERS;
/** The length of a number, if that is unknown. It makes the sum of all lengths negative. */
const UNKNOWN_LENGTH = -2 * MAX_PARSED_FIRST;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Parses a JSON object strictly, as a signed one must be. It must be valid UTF-8 without a byte order mark. It must have no lone surrogates, and no
 * duplicated member at any depth, in whatever spelling (RFC 7515 s4, RFC 7519 s4). Depth and size are bounded. The result is deeply frozen.
 *
 * @param size a new one, which gets the size of the object
 * @returns undefined for anything else
 */
export function parseStrictObject(bytes: Buffer, size = unknownSize()): JsonObject | undefined {
  let text: string;
  if (isAscii(bytes)) text = bytes.toString('latin1');
  else if (isUtf8(bytes)) text = bytes.toString('utf8');
  else return undefined;

  const hasEscapes = text.includes('\\');
  const isParsedFirst = !hasEscapes && text.length <= MAX_PARSED_FIRST;
  const membersInText = isParsedFirst ? undefined : countMembers(text, hasEscapes);
  if (membersInText === -1) return undefined;
  let value: unknown;
  try {
    value = hasEscapes ? parseJson(text) : JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  if (!freezeAndMeasure(value, hasEscapes, 1, size)) return undefined;
  // a text as short as its value can be has no room for a duplicated member, which JSON.parse drops
  if (isParsedFirst && size.length === text.length) return value;
  return size.members === (membersInText ?? countMembers(text, hasEscapes)) ? value : undefined;
}

/** Counts the members in a JSON text at all depths. Returns -1 if the text is nested too deep, is too long, or has an unterminated string. */
function countMembers(text: string, hasEscapes: boolean): number {
  let members = 0;
  let items = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = hasEscapes ? endOfString(text, at + 1) : text.indexOf('"', at + 1);
        if (at < 0) return -1;
        break;
      case COLON:
        if (++members > MAX_MEMBERS) return -1;
        break;
      case COMMA:
        if (++items > MAX_ITEMS) return -1;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        if (++depth > MAX_JSON_DEPTH) return -1;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--;
        break;
    }
  }
  return members;
}

/**
 * Freezes a value deeply and measures it. Returns whether it is acceptable: not nested too deep, without a name or string that is not well-formed Unicode, and without a
 * member named `__proto__`: code that copies it by assignment, as `Object.assign` does, would set the prototype of the copy.
 */
function freezeAndMeasure(value: object, hasEscapes: boolean, depth: number, size: JsonSize): boolean {
  if (depth > MAX_JSON_DEPTH) return false;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      count++;
      if (!measureValue(item, hasEscapes, depth, size)) return false;
    }
    size.items += count;
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || (hasEscapes && !name.isWellFormed())) return false;
      count++;
      // the quotation marks and the colon
      size.length += name.length + 3;
      if (!measureValue((value as JsonObject)[name], hasEscapes, depth, size)) return false;
    }
    size.members += count;
  }
  size.objects++;
  // the brackets, and the commas
  size.length += count === 0 ? 2 : count + 1;
  Object.freeze(value);
  return true;
}

function measureValue(value: unknown, hasEscapes: boolean, depth: number, size: JsonSize): boolean {
  switch (typeof value) {
    case 'string':
      size.length += value.length + 2;
      return !hasEscapes || value.isWellFormed();
    case 'number':
      size.length += lengthOfNumber(value);
      return true;
    case 'boolean':
      size.length += value ? 4 : 5;
      return true;
    default:
      if (value !== null) return freezeAndMeasure(value as object, hasEscapes, depth + 1, size);
      size.length += 4;
      return true;
  }
}

/** Returns the length of the shortest text of a number, except for fractions, and for numbers that may be shorter with an exponent, such as 12000. */
function lengthOfNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value % 1000 === 0) return UNKNOWN_LENGTH;
  // a date, in seconds
  return value >= 1e9 && value < 1e10 ? 10 : String(value).length;
}
