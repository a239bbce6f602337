const BACKSLASH = 0x5c;
/** Precedes the code of a character that a name must escape. A private-use character, so few names contain it. */
const MARK = '\ue000';
/** The characters that JSON.stringify escapes in a name (`\p{Cs}` matches lone surrogates only), and the mark itself. */
// eslint-disable-next-line no-control-regex -- control characters must be escaped
const NEEDS_MARK = /["\\\u0000-\u001f\ue000\p{Cs}]/gu;
const MARKED = /\ue000([0-9a-f]{4})/g;
const COLON_AFTER = /[\t\n\r ]*:/y;

/**
 * Parses a JSON text as JSON.parse does, but without a bug of V8 (nodejs/node#63785). V8 can mistake an escaped name for a name that an earlier text
 * had in the same place: after parsing `{"first":1,"\\u006":1}`, it reads those two names in `{"first":1,"\u0066irst":2}` too. The earlier text may be
 * an unsigned header from anybody. So this function removes the escapes from names before it calls JSON.parse.
 *
 * @throws SyntaxError as JSON.parse does
 */
export function parseJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text);
  const plain = withPlainNames(text);
  const value: unknown = JSON.parse(plain);
  // without the mark in the text, no name has it
  if (plain.includes(MARK)) restoreNames(value);
  return value;
}

/**
 * Rewrites member names without escapes. A character that needs an escape becomes the mark and four hexadecimal digits. So does the mark itself, so
 * that different names stay different and equal names stay equal.
 */
function withPlainNames(text: string): string {
  let plain = '';
  let copied = 0;
  for (let start = text.indexOf('"'); start >= 0;) {
    const last = endOfString(text, start + 1);
    // JSON.parse would throw too; continuing here would loop forever
    if (last < 0) throw new SyntaxError('a string has no end');
    const end = last + 1;
    const string = text.slice(start, end);
    COLON_AFTER.lastIndex = end;
    if ((string.includes('\\') || string.includes(MARK)) && COLON_AFTER.test(text)) {
      const name = JSON.parse(string) as string;
      plain += `${text.slice(copied, start)}"${name.replace(NEEDS_MARK, marked)}"`;
      copied = end;
    }
    start = text.indexOf('"', end);
  }
  return plain + text.slice(copied);
}

function marked(character: string): string {
  return MARK + character.charCodeAt(0).toString(16).padStart(4, '0');
}

/** Returns the index of the quote that closes a string, or -1 if there is none. */
export function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
  return -1;
}

/** Undoes {@link marked} in all names of a value, in place. It does not recurse: a server's document may be nested deeper than the stack allows. */
function restoreNames(root: unknown): void {
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    const members = Object.entries(value);
    for (const [, inner] of members) pending.push(inner);
    if (!members.some(([name]) => name.includes(MARK))) continue;
    for (const [name] of members) delete (value as Record<string, unknown>)[name];
    for (const [name, inner] of members) {
      const restored = name.replace(MARKED, (_mark, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
      // by assignment, a member named __proto__ would set the prototype
      Object.defineProperty(value, restored, { value: inner, enumerable: true, configurable: true, writable: true });
    }
  }
}
