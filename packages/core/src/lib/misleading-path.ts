/** A quick first test, because a resolver's guard runs it for every token. A path without a match is plain. A dot within a name (`/v2.0`, `/a.js`) is harmless. */
// eslint-disable-next-line no-control-regex -- a path with control characters is not plain
const SUSPICIOUS = /[%\\\u0000-\u001f\u007f-\uffff]|(?:^|\/) *\./;
/** More often than any ordinary client encodes a path. */
const MAX_DECODINGS = 5;
/** Overlong UTF-8 (RFC 3629 s3), which careless decoders read as a dot, a slash or a backslash: `%c0%ae`, `%c0%2e`, `%e0%80%ae`. */
const OVERLONG = /%c[01]%(?:[89ab][\da-f]|1c|2e|2f|5c)|%e0%[89][\da-f]|%f0%8[\da-f]/i;
/** Slashes, and characters that some programs read as one: fraction slash, division slash, set minus. */
const SLASHES = /[/\\\u2044\u2215\u2216]/;
// eslint-disable-next-line no-control-regex -- URL parsers and file systems ignore them
const IGNORED = /[\u0000-\u0020\u007f]/g;

/**
 * Whether a program could read a path as another path. It returns true for a segment `.` or `..` in any spelling: `%2e%2e`, `..%2f`, `..\`, encoded
 * twice, overlong, or with a lookalike character. It also returns true if a servlet container or a URL parser would strip the rest of such a segment
 * (`..;x`, `..%3fx`, `..%20`), and for a NUL, which ends a string in C. An encoded slash or a semicolon alone is harmless.
 */
export function isMisleadingPath(path: string): boolean {
  if (!SUSPICIOUS.test(path)) return false;
  // Node returns each byte of a target as one character
  let decoded = path.replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  for (let round = 0; round <= MAX_DECODINGS; round++) {
    if (decoded.includes('\0') || OVERLONG.test(decoded) || decoded.split(SLASHES).some(isDots)) return true;
    const next = decodeOnce(decoded);
    if (next === decoded) return false;
    decoded = next;
  }
  return true;
}

function isDots(segment: string): boolean {
  return /^\.{1,2}(?:[;?#]|$)/.test(segment.replace(IGNORED, ''));
}

/** Decodes as lenient decoders do: invalid encodings stay, `%u002e` is a dot, and so are compatibility characters (U+FF0E, U+2025). */
function decodeOnce(text: string): string {
  return text
    .replace(/%u([\da-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
    .normalize('NFKC');
}
