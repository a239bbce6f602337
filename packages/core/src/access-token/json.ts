import { isAscii, isUtf8 } from 'node:buffer';

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
const BACKSLASH = 0x5c;
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
  if (text.includes('\\')) {
    const plain = withPlainNames(text);
    if (plain === undefined) return undefined;
    text = plain;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
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
 * Writes member names without escapes. V8 mistakes an escaped name for one that it has seen in the same place of another object and whose
 * text begins alike: having parsed `{"first":1,"\\u006":1}` it reads `{"first":1,"\u0066irst":2}` as the same two names
 * (nodejs/node#63785), and anybody's unsigned header could be that earlier text.
 *
 * @returns undefined where a name can't be written so: it holds quotes, backslashes, control characters or lone surrogates
 */
export function withPlainNames(text: string): string | undefined {
  let plain = '';
  let copied = 0;
  for (let start = text.indexOf('"'); start >= 0;) {
    const end = endOfString(text, start + 1) + 1;
    const string = text.slice(start, end);
    COLON_BEHIND.lastIndex = end;
    if (string.includes('\\') && COLON_BEHIND.test(text)) {
      const name = withoutEscapes(string);
      if (name === undefined) return undefined;
      plain += text.slice(copied, start) + name;
      copied = end;
    }
    start = text.indexOf('"', end);
  }
  return plain + text.slice(copied);
}

const COLON_BEHIND = /[\t\n\r ]*:/y;

function withoutEscapes(string: string): string | undefined {
  try {
    const written = JSON.stringify(JSON.parse(string));
    return written.includes('\\') ? undefined : written;
  } catch {
    return undefined;
  }
}

function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
  return -1;
}

/** The number of members at all depths, or -1 where a name or string is not well-formed Unicode. */
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
