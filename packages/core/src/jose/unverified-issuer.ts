const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

const MAX_LENGTH = 4096;

/**
 * Returns the `iss` of a payload before the signature is verified: to refuse a token, or to choose one of the guard's issuers. It scans for the member
 * instead of parsing, so that an invalid token costs little. The claims are parsed strictly, including `iss`, once the signature is verified.
 *
 * @returns undefined if the outermost object has no member of that name, without escapes, with a string as its value
 */
export function claimedIssuer(payload: Buffer): string | undefined {
  return claimedText(payload, 0x69, 0x73, 0x73);
}

/** Returns the `sub` of a payload before the signature is verified, in the same way: the subject of a JWT-SVID names the trust domain that issued it. */
export function claimedSubject(payload: Buffer): string | undefined {
  return claimedText(payload, 0x73, 0x75, 0x62);
}

/** Returns the string value of a member, whose name has three bytes. */
function claimedText(payload: Buffer, first: number, second: number, third: number): string | undefined {
  let depth = 0;
  let isName = false;
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at];
    if (byte === QUOTE) {
      const end = endOfString(payload, at);
      if (isName && end - at === 4 && payload[at + 1] === first && payload[at + 2] === second && payload[at + 3] === third)
        return stringAfter(payload, end + 1);
      at = end;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
      isName = depth === 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    else if (byte === COMMA) isName = depth === 1;
    else if (byte === COLON) isName = false;
  }
  return undefined;
}

/** Returns the index of the quote that closes a string, or the payload's length if there is none. */
function endOfString(payload: Buffer, start: number): number {
  for (let at = start + 1; at < payload.length; at++) {
    if (payload[at] === BACKSLASH) at++;
    else if (payload[at] === QUOTE) return at;
  }
  return payload.length;
}

/** Returns the string after a member's name, unless it is too long for an issuer. */
function stringAfter(payload: Buffer, from: number): string | undefined {
  const colon = skipSpace(payload, from);
  if (payload[colon] !== COLON) return undefined;
  const start = skipSpace(payload, colon + 1);
  if (payload[start] !== QUOTE) return undefined;
  const end = endOfString(payload, start);
  if (end - from >= MAX_LENGTH) return undefined;
  try {
    return JSON.parse(payload.toString('utf8', start, end + 1)) as string;
  } catch {
    return undefined;
  }
}

/** Skips white space. White space that JSON does not allow is refused when the claims are parsed. */
function skipSpace(payload: Buffer, from: number): number {
  let at = from;
  while (payload[at] === SPACE || (payload[at]! >= 0x09 && payload[at]! <= 0x0d)) at++;
  return at;
}
