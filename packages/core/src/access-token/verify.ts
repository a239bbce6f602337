import { parseClaims, type ClaimsSchema } from './claims-schema.js';
import { isProvable } from '../binding/confirmation.js';
import { isToken68, type Credentials } from '../request/credentials.js';
import { markVerified, type Issuer, type Issuers } from '../issuer/issuer.js';
import type { PreparedKey } from '../jose/key-set.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { findVerifyingKey, foreign } from '../issuer/verifying-key.js';
import type { Monitor } from '../events/monitoring.js';
import type { Standing } from './standing.js';
import type { TokenLives } from '../revocation/token-lives.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { castShadow, type Shadow } from './shadow.js';
import { buildAuth } from './build-auth.js';
import { isFault } from './claim-fault.js';
import { examineClaims, isAccessTokenType } from './claims.js';
import { examineTime } from './token-time.js';
import type { TokenVerifier, Verification } from './verifier.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { parseCompactJws, type CompactJws, type JoseHeader } from '../jose/compact-jws.js';
import { claimedIssuer } from '../jose/unverified-issuer.js';
import { own, parseStrictObject, type JsonObject } from '../lib/json.js';
import type { TokenCache, VerifiedJwt } from './token-cache.js';

export interface VerificationConfig {
  readonly issuers: Issuers;
  readonly claims: ClaimsSchema | undefined;
  readonly cache: TokenCache | undefined;
  readonly shadow: Shadow | undefined;
  readonly lives?: TokenLives | undefined;
  readonly standing?: Standing | undefined;
  readonly monitor?: Monitor | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const MAX_KNOWN_HEADERS = 100;

/** What the parts of one verifier share. */
interface JwtVerification extends VerificationConfig {
  /** The headers of tokens that were well signed, by their text: an issuer writes few different ones. */
  readonly knownHeaders: Map<string, JoseHeader>;
}

/** Creates the verifier of JWTs: it verifies them by the issuers' keys, and needs no request to the issuer for each of them. */
export function createJwtVerifier(config: VerificationConfig, knownHeaders: JwtVerification['knownHeaders'] = new Map()): TokenVerifier {
  const verification: JwtVerification = { ...config, knownHeaders };
  return { verify: (credentials, request, nowSeconds) => verifyJwt(credentials, request, nowSeconds, verification) };
}

/** Verifies a token, or knows it from before: what may have changed since is asked each time. */
function verifyJwt({ token }: Credentials, request: ProtectedRequest, nowSeconds: number, config: JwtVerification): Verification | Promise<Verification> {
  const known = config.cache?.get(token);
  if (!known) return verifyAnew(token, request, config);
  const current = config.issuers.only ?? config.issuers.find(known.issuer.rules.issuer, request);
  if (current instanceof Promise) return current.then((issuer) => verifyAgain(known, issuer, token, request, config.now() / 1000, config), unavailable);
  return verifyAgain(known, current, token, request, nowSeconds, config);
}

/** A token that was well signed then counts now, if its issuer is still one for this request, its key still stands, and it is still its time. */
function verifyAgain(
  known: VerifiedJwt,
  current: Issuer | undefined,
  token: string,
  request: ProtectedRequest,
  nowSeconds: number,
  config: JwtVerification,
): Verification | Promise<Verification> {
  const { auth, issuer, key, algorithm, keyId, notBefore } = known;
  if (current !== issuer || !issuer.keys.held(algorithm, keyId)?.includes(key)) {
    config.cache!.delete(token);
    return verifyAnew(token, request, config);
  }
  const untimely = examineTime(auth.expiresAt, notBefore, auth.issuedAt, issuer.rules, nowSeconds);
  if (untimely) {
    config.cache!.delete(token);
    return { ...untimely, issuer };
  }
  if (config.shadow) castShadow(config.shadow, known, nowSeconds);
  return known;
}

/** Cheapest checks first; nothing of the payload is used before the signature holds, save `iss`: to refuse by, and to choose among our issuers. */
function verifyAnew(token: string, request: ProtectedRequest, config: JwtVerification): Verification | Promise<Verification> {
  const jws = parseCompactJws(token, config.knownHeaders);
  if (typeof jws === 'string') return unreadable(jws, token);
  const { only } = config.issuers;
  if (only) return verifyFor(only, token, jws, config);

  const claimed = claimedIssuer(jws.payload);
  const found = claimed === undefined ? undefined : config.issuers.find(claimed, request);
  if (found instanceof Promise)
    return found.then((issuer) => (issuer ? verifyFor(issuer, token, jws, config) : foreign(claimed, config.issuers.names)), unavailable);
  return found ? verifyFor(found, token, jws, config) : foreign(claimed, config.issuers.names);
}

/** What is no JWT was malformed before it was looked into; what could be taken apart has passed a narrower alphabet, and what is too long is not read. */
function unreadable(reason: Exclude<ReturnType<typeof parseCompactJws>, CompactJws>, token: string): VerificationFailure {
  if (reason === 'token_too_large') return { reason, found: `${token.length} characters` };
  if (!isToken68(token)) return { reason: 'malformed_credentials', cause: 'the token has characters that no token has' };
  return reason === 'malformed_token' ? { reason, cause: shapeOf(token) } : { reason };
}

/** What is wrong with the form of a token, in words of ours. */
function shapeOf(token: string): string {
  const first = token.indexOf('.');
  if (first < 0) return OPAQUE;
  const second = token.indexOf('.', first + 1);
  return second >= 0 && !token.includes('.', second + 1) ? UNREADABLE_SEGMENTS : OTHER_SEGMENTS;
}

const OPAQUE = 'it has no dots, like an opaque token';
const OTHER_SEGMENTS = 'it does not have 3 segments between dots';
const UNREADABLE_SEGMENTS = 'it has 3 segments, but they are not the base64url of a JWT';

function unavailable(cause: unknown): VerificationFailure {
  return { reason: 'issuer_unavailable', cause };
}

function verifyFor(issuer: Issuer, token: string, jws: CompactJws, config: JwtVerification): Verification | Promise<Verification> {
  const { type } = jws.header;
  if (!isAccessTokenType(type, issuer.rules.profile)) {
    return { reason: 'wrong_type', cause: 'typ', issuer, expected: issuer.rules.profile ? ['at+jwt'] : ['at+jwt', 'JWT'], found: type ?? null };
  }
  const found = findVerifyingKey(issuer, jws, config.issuers.names);
  return found instanceof Promise ? found.then((key) => concludeBy(key, issuer, token, jws, config)) : concludeBy(found, issuer, token, jws, config);
}

function concludeBy(found: PreparedKey | VerificationFailure, issuer: Issuer, token: string, jws: CompactJws, config: JwtVerification): Verification {
  return isFailure(found) ? found : conclude(issuer, found, token, jws, config);
}

function conclude(issuer: Issuer, key: PreparedKey, token: string, jws: CompactJws, config: JwtVerification): Verification {
  markVerified(issuer);
  const claims = parseStrictObject(jws.payload);
  if (!claims) return { reason: 'malformed_token', issuer, cause: 'its payload is signed and is not the strict JSON of claims' };
  if (!config.knownHeaders.has(jws.header64)) keepHeader(jws, config.knownHeaders);
  const nowSeconds = config.now() / 1000;
  const examined = examineClaims(claims, issuer.rules, nowSeconds, jws.header.type);
  if (isFault(examined)) {
    // the skew that refuses is the one that operators must learn of
    if (isFuture(claims, issuer, nowSeconds)) config.monitor?.refusedAsFuture(issuer.rules.issuer, claims['iat'] as number, nowSeconds);
    return { ...examined, issuer };
  }
  const made = config.claims && parseClaims(config.claims, claims);
  if (typeof made === 'string') return { reason: 'invalid_claim', cause: made, issuer };
  const auth = buildAuth(token, examined, issuer.rules, made);
  const { algorithm, keyId, type } = jws.header;
  const { notBefore, confirmation } = examined;
  const verified: VerifiedJwt = { reason: undefined, auth, issuer, key, algorithm, keyId, type, notBefore, confirmation };
  if (!isProvable(confirmation)) return verified;
  config.monitor?.verified(auth, nowSeconds);
  if (config.lives && config.standing) auth.admit({ verified, lives: config.lives, standing: config.standing });
  config.cache?.set(token, verified);
  if (config.shadow) castShadow(config.shadow, verified, nowSeconds);
  return verified;
}

function isFuture(claims: JsonObject, { rules }: Issuer, nowSeconds: number): boolean {
  const iat = own(claims, 'iat');
  return isNumericDate(iat) && iat > nowSeconds + rules.clockSkewSeconds;
}

function keepHeader({ header64, header }: CompactJws, known: Map<string, JoseHeader>): void {
  if (header64.length > 512) return;
  if (known.size >= MAX_KNOWN_HEADERS) known.clear();
  // a copy, since a slice would keep the whole token
  known.set(Buffer.from(header64, 'latin1').toString('latin1'), header);
}
