/** More often than any ordinary client encodes a path. */
const MAX_DECODINGS = 5;
/** The part of a path that is examined: far more than is ever shown. */
const MAX_EXAMINED = 4096;
const ELIDED = '[token]';

/** Returns a text without the tokens in it. A token begins with a JSON object in base64url, and ends where its segments end. */
export function withoutTokens(text: string): string {
  return text.replace(RUN, (run) => (isJwt(decoded(run)) ? ELIDED : run));
}

/** The characters of a token. Its dots may be percent-encoded. */
const RUN = /[\w.%-]{12,}/g;

/**
 * Returns a path without the segments that may be a token or a part of one, in any encoding. It removes segments that look random: letters and digits
 * without order. It keeps words, numbers, UUIDs and short names, which help to find a request in an access log.
 */
export function withoutTokenSegments(path: string): string {
  const examined = path.slice(0, MAX_EXAMINED);
  // a truncated segment could be anything
  const segments = (path.length > MAX_EXAMINED ? examined.slice(0, examined.lastIndexOf('/') + 1) : examined).split('/');
  return segments.map((segment) => (isTokenLike(segment) ? ELIDED : segment)).join('/');
}

function isTokenLike(segment: string): boolean {
  if (segment.length < SHORTEST) return false;
  const plain = decoded(segment);
  return isJwt(plain) || plain.split(NO_TOKEN_CHARACTER).some((part) => isRandom(part) || isJsonInBase64url(part));
}

const SHORTEST = 8;
/** A longer text is a token, unless it consists of words or numbers, or is a UUID. */
const LONGEST_NAME = 24;
/** A shorter text is a token if it has this many mixed characters in a row. */
const LEAST_MIXED = 12;
const NO_TOKEN_CHARACTER = /[^\w+/=~-]+/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Words and numbers between hyphens or slashes, like a title in a path. */
const WORDS = /^(?:(?:[A-Z]?[a-z]{1,24}|[A-Z]{1,24}|\d{1,32})(?:[-_~+/=]+|$))+$/;

/** Whether letters and digits are mixed as in random text. */
function isRandom(text: string): boolean {
  if (text.length < LEAST_MIXED || UUID.test(text) || WORDS.test(text)) return false;
  return text.length > LONGEST_NAME || text.split(/[-_~]/).some((part) => part.length >= LEAST_MIXED && isMixed(part));
}

function isMixed(text: string): boolean {
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);
}

/** Whether a text contains a JWT or the beginning of one: a header, and a dot somewhere after it. */
function isJwt(text: string): boolean {
  const lastDot = text.lastIndexOf('.');
  if (lastDot < 0) return false;
  for (const { index } of text.slice(0, lastDot).matchAll(HEADER)) if (isJsonInBase64url(text.slice(index, lastDot))) return true;
  return false;
}

/** The first characters of `{` in base64url, or of white space before it. */
const HEADER = /e[wy]|[CDI][A-Za-z]/g;

/** Whether a text begins with a JSON object in base64url. White space may come first (RFC 8259 s2). */
function isJsonInBase64url(text: string): boolean {
  return text.length >= SHORTEST && /^\s*\{\s*"/.test(Buffer.from(text.slice(0, 64), 'base64url').toString('latin1'));
}

/** Decodes percent-encoding, repeatedly. */
function decoded(text: string): string {
  let plain = text;
  for (let round = 0; round < MAX_DECODINGS && plain.includes('%'); round++) {
    const next = plain.replace(/%([2-7][\da-f])/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
    if (next === plain) break;
    plain = next;
  }
  return plain;
}
