const BACKSLASH = 0x5c;
/** Stands in front of a character that a name can't hold unescaped; a private-use character, so that few names hold it themselves. */
const MARK = '\ue000';
/** What JSON.stringify would escape in a name (`\p{Cs}`: lone surrogates alone), and the mark. */
// eslint-disable-next-line no-control-regex -- they are among them
const NEEDS_MARK = /["\\\u0000-\u001f\ue000\p{Cs}]/gu;
const MARKED = /\ue000([0-9a-f]{4})/g;
const COLON_BEHIND = /[\t\n\r ]*:/y;

/**
 * Parses a JSON text as JSON.parse does, whatever was parsed before. V8 mistakes an escaped name for one that it has seen in the same place of
 * another object and whose text begins alike: having parsed `{"first":1,"\\u006":1}` it reads `{"first":1,"\u0066irst":2}` as the same two names
 * (nodejs/node#63785), and anybody's unsigned header could be that earlier text. So JSON.parse is shown no escaped name.
 *
 * @throws SyntaxError as JSON.parse does
 */
export function parseJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text);
  const plain = withPlainNames(text);
  const value: unknown = JSON.parse(plain);
  // a text without the mark has no marked name
  if (plain.includes(MARK)) restoreNames(value);
  return value;
}

/**
 * Writes member names without escapes: as they are or, where they hold what can't stand unescaped, with a mark and four hexadecimal digits in its
 * place. The mark itself is written so too, so that different names stay different and equal ones equal.
 */
function withPlainNames(text: string): string {
  let plain = '';
  let copied = 0;
  for (let start = text.indexOf('"'); start >= 0;) {
    const last = endOfString(text, start + 1);
    // JSON.parse would say the same; going on would never end
    if (last < 0) throw new SyntaxError('a string has no end');
    const end = last + 1;
    const string = text.slice(start, end);
    COLON_BEHIND.lastIndex = end;
    if ((string.includes('\\') || string.includes(MARK)) && COLON_BEHIND.test(text)) {
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

/** Where the quote that closes a string stands; -1 where none does. */
export function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
  return -1;
}

/** Undoes {@link marked} in all names of a value, in place and by a list of its own: what a server sent may be nested deeper than the stack. */
function restoreNames(root: unknown): void {
  const waiting = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const inner of Object.values(value)) waiting.push(inner);
    if (Array.isArray(value)) continue;
    const members = Object.entries(value);
    if (!members.some(([name]) => name.includes(MARK))) continue;
    for (const [name] of members) delete (value as Record<string, unknown>)[name];
    for (const [name, inner] of members) {
      const restored = name.replace(MARKED, (_mark, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
      // a member named __proto__ stays a member
      Object.defineProperty(value, restored, { value: inner, enumerable: true, configurable: true, writable: true });
    }
  }
}
