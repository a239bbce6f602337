/** What can't be a plain path. A dot within a name (`/v2.0`, `/a.js`) needs no closer look, and these are asked of every token of a resolver. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const SUSPICIOUS = /[%\\\u0000-\u001f\u007f-\uffff]|(?:^|\/) *\./;
/** A path that is decoded more often than this is nobody's honest path. */
const MOST_DECODINGS = 5;
/** UTF-8 that no encoder writes (RFC 3629 s3) and that careless decoders take for a dot, a slash or a backslash: `%c0%ae`, `%c0%2e`, `%e0%80%ae`. */
const OVERLONG = /%c[01]%(?:[89ab][\da-f]|1c|2e|2f|5c)|%e0%[89][\da-f]|%f0%8[\da-f]/i;
/** What some take for a slash: fractions, division, set minus. */
const SLASHES = /[/\\\u2044\u2215\u2216]/;
// eslint-disable-next-line no-control-regex -- parsers of URLs and file systems leave them out
const LEFT_OUT = /[\u0000-\u0020\u007f]/g;

/**
 * Whether something that reads a path may take it for another one. That is a segment `.` or `..`, in whatever way it is written (`%2e%2e`, `..%2f`,
 * `..\`, encoded twice, overlong, with a lookalike), with what a servlet container or a URL parser cuts off behind it (`..;x`, `..%3fx`, `..%20`), and
 * a NUL, at which whoever reads on in C stops. An encoded slash or a semicolon alone leads where it says.
 */
export function isMisleadingPath(path: string): boolean {
  if (!SUSPICIOUS.test(path)) return false;
  // Node gives the bytes of a target as characters
  let decoded = path.replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  for (let round = 0; round <= MOST_DECODINGS; round++) {
    if (decoded.includes('\0') || OVERLONG.test(decoded) || decoded.split(SLASHES).some(isDots)) return true;
    const next = decodedOnce(decoded);
    if (next === decoded) return false;
    decoded = next;
  }
  return true;
}

function isDots(segment: string): boolean {
  return /^\.{1,2}(?:[;?#]|$)/.test(segment.replace(LEFT_OUT, ''));
}

/** As lenient decoders do it: what is no encoding stays, `%u002e` counts, and so do characters that stand for a dot or a slash (U+FF0E, U+2025). */
function decodedOnce(text: string): string {
  return text
    .replace(/%u([\da-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
    .normalize('NFKC');
}
