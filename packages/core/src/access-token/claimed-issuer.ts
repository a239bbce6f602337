const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const ISS = Buffer.from('iss');

/**
 * What a payload's `iss` says, before any signature was checked: enough to refuse by, and to choose among our own issuers. It is looked for
 * and nothing is parsed, since whoever sends nonsense would have us work for it; the claims are read, strictly and with this one among them, when
 * the signature holds.
 *
 * @returns undefined where no member of the outermost object has that name, in plain letters, and a string as its value
 */
export function claimedIssuer(payload: Buffer): string | undefined {
  let depth = 0;
  let isName = false;
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at];
    if (byte === QUOTE) {
      const end = endOfString(payload, at);
      if (isName && end - at === ISS.length + 1 && payload.subarray(at + 1, end).equals(ISS)) return stringAfter(payload, end + 1);
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

/** Where the quote that closes a string stands; the payload's end, where none does. */
function endOfString(payload: Buffer, start: number): number {
  for (let at = start + 1; at < payload.length; at++) {
    if (payload[at] === BACKSLASH) at++;
    else if (payload[at] === QUOTE) return at;
  }
  return payload.length;
}

/** The string that follows a member's name. */
function stringAfter(payload: Buffer, from: number): string | undefined {
  const [, literal] = /^\s*:\s*("(?:[^"\\]|\\.)*")/s.exec(payload.toString('utf8', from, from + 4096)) ?? [];
  if (literal === undefined) return undefined;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
