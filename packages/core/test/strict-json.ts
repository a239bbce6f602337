type StrictRule = 10 | 11 | 12 | 13;
/** What a strict reader makes of a JSON text: its value, or the rule that it offends. */
export type StrictReading = { readonly value: Record<string, unknown> } | { readonly rule: StrictRule; readonly why: string };

const MAX = { depth: 32, members: 1000, items: 10_000 };

/**
 * JSON as the rules have it, written a second time and plainly: character by character, with no thought of speed. It is what the parser of access
 * tokens is compared with, beside `JSON.parse`.
 */
export function readStrictly(bytes: Uint8Array): StrictReading {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return offence(10, 'it is not UTF-8');
  }
  if (text.startsWith('\uFEFF')) return offence(10, 'it begins with a byte order mark');
  let at = 0;
  const counts = { members: 0, items: 0 };

  function skipBlanks(): void {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
  }

  function take(character: string): boolean {
    skipBlanks();
    if (text[at] !== character) return false;
    at++;
    return true;
  }

  function need(character: string): void {
    if (!take(character)) throw new Offence(12, `"${character}" is missing`);
  }

  function readValue(depth: number): unknown {
    skipBlanks();
    if (take('{')) return readObject(depth + 1);
    if (take('[')) return readArray(depth + 1);
    if (text[at] === '"') return readString();
    const [literal] = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(text.slice(at, at + 400)) ?? [];
    if (literal === undefined) throw new Offence(12, 'no value');
    at += literal.length;
    return literal === 'true' ? true : literal === 'false' ? false : literal === 'null' ? null : Number(literal);
  }

  function readObject(depth: number): Record<string, unknown> {
    if (depth > MAX.depth) throw new Offence(12, 'too deep');
    const object: Record<string, unknown> = {};
    if (take('}')) return object;
    do {
      skipBlanks();
      const name = readString();
      if (name === '__proto__') throw new Offence(13, 'a member is called __proto__');
      if (Object.hasOwn(object, name)) throw new Offence(11, 'a name stands twice');
      need(':');
      if (++counts.members > MAX.members) throw new Offence(12, 'too many members');
      Object.defineProperty(object, name, { value: readValue(depth), enumerable: true, configurable: true, writable: true });
    } while (takeComma());
    need('}');
    return object;
  }

  function readArray(depth: number): unknown[] {
    if (depth > MAX.depth) throw new Offence(12, 'too deep');
    const array: unknown[] = [];
    if (take(']')) return array;
    do array.push(readValue(depth));
    while (takeComma());
    need(']');
    return array;
  }

  function takeComma(): boolean {
    if (!take(',')) return false;
    if (++counts.items > MAX.items) throw new Offence(12, 'too many items');
    return true;
  }

  function readString(): string {
    if (text[at] !== '"') throw new Offence(12, 'no string');
    let value = '';
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length || text[at]! < ' ') throw new Offence(12, 'an open string');
      if (text[at] !== '\\') value += text[at];
      else value += readEscape();
    }
    at++;
    if (!value.isWellFormed()) throw new Offence(10, 'a lone surrogate');
    return value;
  }

  function readEscape(): string {
    const letter = text[++at] ?? '';
    if (letter === 'u') {
      const [hex] = /^[0-9a-fA-F]{4}/.exec(text.slice(at + 1, at + 5)) ?? [];
      if (hex === undefined) throw new Offence(12, 'no escape');
      at += 4;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const found = '"\\/bfnrt'.indexOf(letter);
    if (letter === '' || found < 0) throw new Offence(12, 'no escape');
    return '"\\/\b\f\n\r\t'[found]!;
  }

  try {
    const value = readValue(0);
    skipBlanks();
    if (at < text.length) return offence(12, 'something stands behind it');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return offence(12, 'it is no object');
    return { value: value as Record<string, unknown> };
  } catch (error) {
    if (error instanceof Offence) return offence(error.rule, error.message);
    throw error;
  }
}

class Offence extends Error {
  override readonly name = 'Offence';
  constructor(
    readonly rule: StrictRule,
    why: string,
  ) {
    super(why);
  }
}

function offence(rule: StrictRule, why: string): StrictReading {
  return { rule, why };
}
