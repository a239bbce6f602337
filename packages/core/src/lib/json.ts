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

const MAX_DEPTH = 32;
const MAX_MEMBERS = 1_000;
const MAX_ITEMS = 10_000;
/** Counted for a refused name or string. The sum stays negative, however many members are added to it. */
const UNACCEPTABLE = -2 * MAX_MEMBERS;

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
 * @returns undefined for anything else
 */
export function parseStrictObject(bytes: Buffer): JsonObject | undefined {
  let text: string;
  if (isAscii(bytes)) text = bytes.toString('latin1');
  else if (isUtf8(bytes)) text = bytes.toString('utf8');
  else return undefined;

  const hasEscapes = text.includes('\\');
  const membersInText = countMembers(text, hasEscapes);
  if (membersInText < 0) return undefined;
  let value: unknown;
  try {
    value = hasEscapes ? parseJson(text) : JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of equal names, so a duplicated member leaves fewer members in the value than in the text
  const members = freezeAndCount(value, hasEscapes);
  return members === membersInText ? (value as JsonObject) : undefined;
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
        if (++depth > MAX_DEPTH) return -1;
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
 * Freezes a value deeply and counts its members at all depths. Returns a negative number if a name or string is not well-formed Unicode, or if a
 * member is named `__proto__`: code that copies it by assignment, as `Object.assign` does, would set the prototype of the copy.
 */
function freezeAndCount(value: object, hasEscapes: boolean): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) count += countIn(item, hasEscapes);
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || (hasEscapes && !name.isWellFormed())) return UNACCEPTABLE;
      count += 1 + countIn((value as JsonObject)[name], hasEscapes);
    }
  }
  Object.freeze(value);
  return count;
}

function countIn(value: unknown, hasEscapes: boolean): number {
  if (typeof value === 'object' && value !== null) return freezeAndCount(value, hasEscapes);
  return hasEscapes && typeof value === 'string' && !value.isWellFormed() ? UNACCEPTABLE : 0;
}
