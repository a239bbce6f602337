import type { Reason } from '../vocabulary/reason.js';
import { decodeBase64url } from '../lib/base64url.js';
import { own, parseStrictObject } from '../lib/json.js';

/** A compact JWS (RFC 7515 s7.1) taken apart and not yet verified: the payload stays bytes. */
export interface CompactJws {
  readonly header64: string;
  readonly header: JoseHeader;
  /** What is signed: the first two segments with their dot. */
  readonly signed: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** What is used of a header (RFC 7515 s4.1): strings, or absent. */
export interface JoseHeader {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
}

type CompactReason = Extract<Reason, 'malformed_token' | 'encrypted_token' | 'unsupported_critical_header' | 'token_too_large' | 'wrong_type'>;

const MAX_HEADER_LENGTH = Math.ceil((8 * 1024 * 4) / 3);
export const MAX_KEY_ID_LENGTH = 512;

/**
 * Takes a token apart, cheapest checks first. A string is the reason why it can't be one of ours.
 *
 * @param known headers that were parsed before, by their very text
 */
export function parseCompactJws(token: string, known?: ReadonlyMap<string, JoseHeader>): CompactJws | CompactReason {
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first < 1 || second < 0) return 'malformed_token';
  const third = token.indexOf('.', second + 1);
  if (third >= 0) return isJweShape(token, third) ? 'encrypted_token' : 'malformed_token';
  if (first > MAX_HEADER_LENGTH) return 'token_too_large';
  const header64 = token.slice(0, first);
  const header = known?.get(header64) ?? parseHeader(header64);
  if (typeof header === 'string') return header;
  const payload = decodeBase64url(token.slice(first + 1, second));
  const signature = decodeBase64url(token.slice(second + 1));
  if (!payload || !signature) return 'malformed_token';
  return { header64, header, signed: Buffer.from(token, 'latin1').subarray(0, second), payload, signature };
}

function parseHeader(header64: string): JoseHeader | CompactReason {
  const bytes = decodeBase64url(header64);
  const header = bytes && parseStrictObject(bytes);
  if (!header) return 'malformed_token';
  const alg = own(header, 'alg');
  // null says no more than an absent member: some libraries write all that they know of
  const kid = own(header, 'kid') ?? undefined;
  const typ = own(header, 'typ') ?? undefined;
  const cty = own(header, 'cty') ?? undefined;
  if (typeof alg !== 'string' || !isStringOrAbsent(kid) || !isStringOrAbsent(typ) || !isStringOrAbsent(cty)) return 'malformed_token';
  if (kid !== undefined && kid.length > MAX_KEY_ID_LENGTH) return 'malformed_token';
  // no extension is understood here, so every `crit` names one that is not (RFC 7515 s4.1.11); neither is an unencoded payload (RFC 7797). Of these two
  // null is not absent: they say how to read what is signed, and must have their form
  if (Object.hasOwn(header, 'crit') || (Object.hasOwn(header, 'b64') && header['b64'] !== true)) return 'unsupported_critical_header';
  // RFC 7519 s5.2: a token within the token
  if (cty !== undefined && cty.replace(/^application\//i, '').toLowerCase() === 'jwt') return 'encrypted_token';
  return { algorithm: alg, keyId: kid, type: typ };
}

function isStringOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** Five segments, RFC 7516 s7.1; looked for without splitting, so that a row of dots costs nothing. */
function isJweShape(token: string, third: number): boolean {
  const fourth = token.indexOf('.', third + 1);
  return fourth >= 0 && token.indexOf('.', fourth + 1) < 0;
}
