import type { Reason } from '../vocabulary/reason.js';
import { decodeBase64url, decodeReadable, hasMisreadCharacters } from '../lib/base64url.js';
import { own, parseStrictObject } from '../lib/json.js';

/** A compact JWS (RFC 7515 s7.1), decoded but not verified. The payload stays bytes. */
export interface CompactJws<H extends JoseHeader = JoseHeader> {
  readonly header64: string;
  readonly header: H;
  /** The signing input: the first two segments with the dot between them. ASCII. */
  readonly signed: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** Parsed headers by their encoded text. */
export type KnownHeaders<H extends JoseHeader> = Pick<ReadonlyMap<string, H>, 'get'>;

/** The header parameters that are used (RFC 7515 s4.1). */
export interface JoseHeader {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
  /** `jwk`, unchecked: the key that the signer names. Only a DPoP proof is verified with it. */
  readonly jwk?: unknown;
}

type CompactReason = Extract<Reason, 'malformed_token' | 'encrypted_token' | 'unsupported_critical_header' | 'token_too_large' | 'wrong_type'>;

export const MAX_HEADER_LENGTH = Math.ceil((8 * 1024 * 4) / 3);
export const LONG_HEADER = 'its header is longer than 8 KiB';
export const MAX_KEY_ID_LENGTH = 512;

/**
 * Decodes a compact JWS. The cheapest checks come first.
 *
 * @param known parsed headers by their encoded text
 * @returns the decoded JWS; if it is not acceptable, the reason as a string
 */
export function parseCompactJws<H extends JoseHeader = JoseHeader>(token: string, known?: KnownHeaders<H>): CompactJws<H | JoseHeader> | CompactReason {
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first < 1 || second < 0) return 'malformed_token';
  const third = token.indexOf('.', second + 1);
  if (third >= 0) return hasFiveSegments(token, third) ? 'encrypted_token' : 'malformed_token';
  if (first > MAX_HEADER_LENGTH) return 'token_too_large';
  const header64 = token.slice(0, first);
  const header = known?.get(header64) ?? parseHeader(header64);
  if (typeof header === 'string') return header;
  if (hasMisreadCharacters(token)) return 'malformed_token';
  const payload = decodeReadable(token.slice(first + 1, second));
  const signature = decodeReadable(token.slice(second + 1));
  if (!payload || !signature) return 'malformed_token';
  return { header64, header, signed: token.slice(0, second), payload, signature };
}

function parseHeader(header64: string): JoseHeader | CompactReason {
  const bytes = decodeBase64url(header64);
  const header = bytes && parseStrictObject(bytes);
  if (!header) return 'malformed_token';
  const alg = own(header, 'alg');
  // null counts as absent: some libraries write all members that they know
  const kid = own(header, 'kid') ?? undefined;
  const typ = own(header, 'typ') ?? undefined;
  const cty = own(header, 'cty') ?? undefined;
  if (typeof alg !== 'string' || !isStringOrAbsent(kid) || !isStringOrAbsent(typ) || !isStringOrAbsent(cty)) return 'malformed_token';
  if (kid !== undefined && kid.length > MAX_KEY_ID_LENGTH) return 'malformed_token';
  // no extension is supported, so every `crit` is refused (RFC 7515 s4.1.11), and so is an unencoded payload (RFC 7797). For these two, null does
  // not count as absent: they decide how the signed content is read
  if (Object.hasOwn(header, 'crit') || (Object.hasOwn(header, 'b64') && header['b64'] !== true)) return 'unsupported_critical_header';
  // RFC 7519 s5.2: a nested token
  if (cty !== undefined && cty.replace(/^application\//i, '').toLowerCase() === 'jwt') return 'encrypted_token';
  return { algorithm: alg, keyId: kid, type: typ, jwk: own(header, 'jwk') };
}

function isStringOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** Whether a token has five segments, as a compact JWE has (RFC 7516 s7.1). */
export function isJweShape(token: string): boolean {
  const second = token.indexOf('.', token.indexOf('.') + 1);
  const third = token.indexOf('.', second + 1);
  // without a second dot, `second` is -1. The search for the third then finds the only dot, and `hasFiveSegments` is false
  return third !== -1 && hasFiveSegments(token, third);
}

/** It does not split the token, so that many dots cost nothing. */
function hasFiveSegments(token: string, third: number): boolean {
  return token.indexOf('.', third + 1) === token.lastIndexOf('.');
}
