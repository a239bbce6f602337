/** A path that is encoded more often than this is nobody's honest path. */
const MOST_DECODINGS = 5;
/** Of a path, so much is looked at: far more than is ever shown. */
const MOST_LOOKED_AT = 4096;
const ELIDED = '[token]';

/** A text with the tokens in it left out: whatever a JSON object in base64url begins, up to the end of its segments. */
export function withoutTokens(text: string): string {
  return text.replace(RUN, (run) => (isJwt(decoded(run)) ? ELIDED : run));
}

/** What a token can be made of, its dots written as they are or encoded. */
const RUN = /[\w.%-]{12,}/g;

/**
 * A path of which each segment is left out that may be a token, or a part of one. It goes by the form of what stands there, however it is encoded:
 * letters and digits as chance puts them. Words, numbers, UUIDs and short names stay, since by them a request is found in an access log.
 */
export function withoutTokenSegments(path: string): string {
  const looked = path.slice(0, MOST_LOOKED_AT);
  // of a segment that was cut off nobody can tell what it is
  const segments = (path.length > MOST_LOOKED_AT ? looked.slice(0, looked.lastIndexOf('/') + 1) : looked).split('/');
  return segments.map((segment) => (isTokenLike(segment) ? ELIDED : segment)).join('/');
}

function isTokenLike(segment: string): boolean {
  if (segment.length < SHORTEST) return false;
  const plain = decoded(segment);
  return isJwt(plain) || plain.split(NO_TOKEN_CHARACTER).some((part) => isRandom(part) || isJsonInBase64url(part));
}

const SHORTEST = 8;
/** What is longer is a token, if it is neither words nor numbers nor a UUID. */
const LONGEST_NAME = 24;
/** A shorter name is one if it has so many characters of all kinds in a row. */
const LEAST_MIXED = 12;
const NO_TOKEN_CHARACTER = /[^\w+/=~-]+/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Words and numbers between hyphens or slashes, as titles are written in paths. */
const WORDS = /^(?:(?:[A-Z]?[a-z]{1,24}|[A-Z]{1,24}|\d{1,32})(?:[-_~+/=]+|$))+$/;

/** Whether letters and digits are mixed as chance mixes them. */
function isRandom(text: string): boolean {
  if (text.length < LEAST_MIXED || UUID.test(text) || WORDS.test(text)) return false;
  return text.length > LONGEST_NAME || text.split(/[-_~]/).some((part) => part.length >= LEAST_MIXED && isMixed(part));
}

function isMixed(text: string): boolean {
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);
}

/** Whether a JWT, or the beginning of one, stands anywhere in a text: a header, and a dot somewhere behind it. */
function isJwt(text: string): boolean {
  const lastDot = text.lastIndexOf('.');
  if (lastDot < 0) return false;
  for (const { index } of text.slice(0, lastDot).matchAll(HEADER)) if (isJsonInBase64url(text.slice(index, lastDot))) return true;
  return false;
}

/** How `{` begins in base64url, or white space ahead of it. */
const HEADER = /e[wy]|[CDI][A-Za-z]/g;

/** RFC 7515 s3: a header is an object, and JSON may begin with white space. */
function isJsonInBase64url(text: string): boolean {
  return text.length >= SHORTEST && /^\s*\{\s*"/.test(Buffer.from(text.slice(0, 64), 'base64url').toString('latin1'));
}

/** What percent-encoding stands for, as often as it was put over it. */
function decoded(text: string): string {
  let plain = text;
  for (let round = 0; round < MOST_DECODINGS && plain.includes('%'); round++) {
    const next = plain.replace(/%([2-7][\da-f])/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
    if (next === plain) break;
    plain = next;
  }
  return plain;
}
