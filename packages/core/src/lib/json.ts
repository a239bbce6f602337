import { isAscii, isUtf8 } from 'node:buffer';
import { endOfString, parseJson } from './parse-json.js';

export type JsonObject = Record<string, unknown>;

/** A member of an object's own: names come from outside, and every object inherits some. */
export function own(of: object, name: string): unknown {
  return Object.hasOwn(of, name) ? (of as JsonObject)[name] : undefined;
}

/** An object as JSON has them: no list, and not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_DEPTH = 32;
const MAX_MEMBERS = 1_000;
const MAX_ITEMS = 10_000;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Parses the bytes of a JSON object as strictly as a signed one must be read: fatal UTF-8 with no byte order mark, no member twice at any
 * depth however it is spelt (RFC 7515 s4, RFC 7519 s4), no lone surrogates, bounded depth and size. The result is deeply frozen.
 *
 * @returns undefined for everything else
 */
export function parseStrictObject(bytes: Buffer): JsonObject | undefined {
  let text: string;
  if (isAscii(bytes)) text = bytes.toString('latin1');
  else if (isUtf8(bytes)) text = bytes.toString('utf8');
  else return undefined;

  const written = measure(text);
  if (written < 0) return undefined;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of equal names: fewer members in the value than in the text means that one was repeated
  const kept = freezeAndCount(value, text.includes('\\u'));
  return kept === written ? (value as JsonObject) : undefined;
}

/** Counts the members written in a JSON text, at all depths; -1 when it is nested too deep, too long, or has an open string. */
function measure(text: string): number {
  let members = 0;
  let items = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at + 1);
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
 * The number of members at all depths; -1 where a name or string is not well-formed Unicode, and where a member is called `__proto__`: whoever
 * copies that one by assignment, as `Object.assign` does, sets the copy's prototype by it.
 */
function freezeAndCount(value: object, hasEscapes: boolean): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      const inner = countIn(item, hasEscapes);
      if (inner < 0) return -1;
      count += inner;
    }
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || (hasEscapes && !name.isWellFormed())) return -1;
      const inner = countIn((value as JsonObject)[name], hasEscapes);
      if (inner < 0) return -1;
      count += 1 + inner;
    }
  }
  Object.freeze(value);
  return count;
}

function countIn(value: unknown, hasEscapes: boolean): number {
  if (typeof value === 'object' && value !== null) return freezeAndCount(value, hasEscapes);
  return hasEscapes && typeof value === 'string' && !value.isWellFormed() ? -1 : 0;
}
