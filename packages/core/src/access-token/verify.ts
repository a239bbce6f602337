import type { ClaimsSchema } from '../auth/claims-schema.js';
import { parseClaims } from './claims-schema.js';
import { isProvable, readConfirmation, type CheckedProofs } from '../binding/confirmation.js';
import { isToken68, type Credentials } from '../request/credentials.js';
import { markVerified, type Issuer, type Issuers } from '../issuer/issuer.js';
import type { PreparedKey } from '../jose/key-set.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { claimedTrustDomain } from '../issuer/svid.js';
import { findVerifyingKey, issuerMismatch } from '../issuer/verifying-key.js';
import type { Monitor } from '../events/monitoring.js';
import type { TrustCheck } from './trust-check.js';
import type { TokenSignals } from '../revocation/token-signals.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { evaluateShadow, type Shadow } from './shadow.js';
import { buildAuth } from './build-auth.js';
import { acceptedTypes, examineClaims, isAccessTokenType } from './claims.js';
import type { Decrypted, Decryptor } from './decryptor.js';
import { replicatedProblem } from './replicated-claims.js';
import { examineTime } from './token-time.js';
import type { Introspection } from './token-verifier.js';
import { isVerified, type TokenVerifier, type Verification } from './verifier.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { LONG_HEADER, isJweShape, parseCompactJws, type CompactJws, type JoseHeader, type KnownHeaders } from '../jose/compact-jws.js';
import { claimedIssuer } from '../jose/unverified-issuer.js';
import { own, parseStrictObject, unknownSize, type JsonObject } from '../lib/json.js';
import type { TokenCache, VerifiedJwt } from './token-cache.js';

export interface VerificationConfig {
  readonly issuers: Issuers;
  readonly claims: ClaimsSchema | undefined;
  readonly proofs: CheckedProofs;
  readonly cache: TokenCache | undefined;
  readonly shadow: Shadow | undefined;
  readonly tokenSignals?: TokenSignals | undefined;
  readonly trust?: TrustCheck | undefined;
  readonly monitor?: Monitor | undefined;
  readonly introspection?: Introspection | undefined;
  readonly decryptor?: Decryptor | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const MAX_KNOWN_HEADERS = 100;

/** A JWS as the client sent it, or as it was in an encrypted token. */
interface PresentedJws extends CompactJws {
  /** The claims that the header of the encrypted token repeats. */
  readonly replicated?: JsonObject;
}

interface JwtVerification extends VerificationConfig {
  readonly headers: HeaderMemory;
}

/** The headers of verified tokens, by their encoded text. An issuer writes few different ones, so they are parsed once. */
interface HeaderMemory extends KnownHeaders<JoseHeader> {
  keep(jws: CompactJws): void;
}

/** Creates the verifier of JWTs. It verifies them with the issuers' keys, without a request to the issuer for each token. */
export function createJwtVerifier(config: VerificationConfig, knownHeaders: Map<string, JoseHeader> = new Map()): TokenVerifier {
  const verification: JwtVerification = { ...config, headers: createHeaderMemory(knownHeaders) };
  const { cache, issuers } = config;
  return {
    /** Verifies a token, or finds it in the cache. It checks again what may have changed since then. */
    verify({ token }: Credentials, request: ProtectedRequest, nowSeconds: number): Verification | Promise<Verification> {
      const cached = cache?.get(token);
      if (!cached) return verifyAnew(token, request, verification);
      const current = issuers.only ?? issuers.find(cached.issuer.rules.issuer, request);
      if (!(current instanceof Promise)) return verifyCached(cached, current, token, request, nowSeconds, verification);
      return current.then((issuer) => verifyCached(cached, issuer, token, request, config.now() / 1000, verification), unavailable);
    },
  };
}

/** A cached token is still valid if its issuer still serves this request and still has its key, and if it has not expired. */
function verifyCached(
  cached: VerifiedJwt,
  current: Issuer | undefined,
  token: string,
  request: ProtectedRequest,
  nowSeconds: number,
  config: JwtVerification,
): Verification | Promise<Verification> {
  const { auth, issuer, key, algorithm, keyId, notBefore } = cached;
  if (current !== issuer || !includes(issuer.keys.cachedKeys(algorithm, keyId), key)) {
    config.cache!.delete(token);
    return verifyAnew(token, request, config);
  }
  const timeFailure = examineTime(auth.expiresAt, notBefore, auth.issuedAt, issuer.rules, nowSeconds);
  if (timeFailure) {
    config.cache!.delete(token);
    return { ...timeFailure, issuer };
  }
  if (config.shadow) evaluateShadow(config.shadow, cached, nowSeconds);
  return cached;
}

/** Looks at the first key before all others: mostly there is only one. */
function includes(keys: readonly PreparedKey[] | undefined, key: PreparedKey): boolean {
  return keys !== undefined && (keys[0] === key || keys.includes(key));
}

/**
 * Runs the cheapest checks first. Before the signature is verified, nothing of the payload is used but `iss`: to refuse a token of an unknown issuer, and to
 * choose among the known ones.
 */
function verifyAnew(token: string, request: ProtectedRequest, config: JwtVerification): Verification | Promise<Verification> {
  const jws = parseCompactJws(token, config.headers);
  const { decryptor } = config;
  if (typeof jws === 'string') return decryptor && isJweShape(token) ? decryptAndVerify(decryptor, token, request, config) : unreadable(jws, token);
  return decryptor?.isRequired ? { reason: 'unencrypted_token' } : verifyJws(token, jws, request, config);
}

function decryptAndVerify(decryptor: Decryptor, token: string, request: ProtectedRequest, config: JwtVerification): Verification | Promise<Verification> {
  const decrypted = decryptor.decrypt(token);
  return decrypted instanceof Promise ? decrypted.then((late) => (isFailure(late) ? late : verifyNested(late, token, request, config))) : decrypted;
}

/**
 * Verifies the content of an encrypted token as any other JWT: anybody can encrypt to a public key, so decryption proves nothing (RFC 7519 s11.2). The Auth, the
 * cache and a later introspection have the token as the client sent it.
 */
function verifyNested(
  { text, replicated }: Decrypted,
  token: string,
  request: ProtectedRequest,
  config: JwtVerification,
): Verification | Promise<Verification> {
  const jws = parseCompactJws(text, config.headers);
  if (jws === 'malformed_token') return { reason: 'encrypted_token', cause: 'its content is not a signed JWT' };
  if (jws === 'encrypted_token') return { reason: jws, cause: 'its content is encrypted again, or contains another token' };
  return typeof jws === 'string' ? { reason: jws } : verifyJws(token, replicated ? { ...jws, replicated } : jws, request, config);
}

function verifyJws(token: string, jws: PresentedJws, request: ProtectedRequest, config: JwtVerification): Verification | Promise<Verification> {
  const { only } = config.issuers;
  if (only) return verifyWithIssuer(only, token, jws, config);

  const claimed = claimedIssuer(jws.payload);
  const found = claimed === undefined ? undefined : config.issuers.find(claimed, request);
  if (found instanceof Promise)
    return found.then((issuer) => (issuer ? verifyWithIssuer(issuer, token, jws, config) : verifySvid(claimed, token, jws, request, config)), unavailable);
  return found ? verifyWithIssuer(found, token, jws, config) : verifySvid(claimed, token, jws, request, config);
}

/** A JWT-SVID need not have an `iss`: its trust domain, which `sub` names, may be one of the guard's issuers. */
function verifySvid(
  claimed: string | undefined,
  token: string,
  jws: PresentedJws,
  request: ProtectedRequest,
  config: JwtVerification,
): Verification | Promise<Verification> {
  const domain = claimedTrustDomain(jws.payload);
  const found = domain === undefined ? undefined : config.issuers.find(domain, request);
  return found instanceof Promise ? found.then(verifyFound, unavailable) : verifyFound(found);

  function verifyFound(issuer: Issuer | undefined): Verification | Promise<Verification> {
    return issuer?.rules.profile === 'jwt-svid' ? verifyWithIssuer(issuer, token, jws, config) : issuerMismatch(claimed ?? domain, config.issuers.names);
  }
}

/**
 * Returns the failure of a token that does not parse. Only such a token needs a check of its characters: base64url and dots are a subset of those that a token may
 * contain. A token that is too long is not read.
 */
function unreadable(reason: Exclude<ReturnType<typeof parseCompactJws>, CompactJws>, token: string): VerificationFailure {
  if (reason === 'token_too_large') return { reason, cause: LONG_HEADER };
  if (!isToken68(token)) return { reason: 'malformed_credentials', cause: 'the token contains characters that no token may have' };
  return reason === 'malformed_token' ? { reason, cause: formOf(token) } : { reason };
}

/** Describes what is wrong with the form of a token, without quoting it. */
function formOf(token: string): string {
  const segments = token.split('.', 4).length;
  if (segments === 1) return OPAQUE;
  return segments === 3 ? UNREADABLE_SEGMENTS : OTHER_SEGMENTS;
}

const OPAQUE = 'it has no dots, so it is probably an opaque token';
const OTHER_SEGMENTS = 'it does not have 3 segments separated by dots';
const UNREADABLE_SEGMENTS = 'it has 3 segments, but they are not a base64url-encoded JWT';

function unavailable(cause: unknown): VerificationFailure {
  return { reason: 'issuer_unavailable', cause };
}

function verifyWithIssuer(issuer: Issuer, token: string, jws: PresentedJws, config: JwtVerification): Verification | Promise<Verification> {
  const { type } = jws.header;
  if (!isAccessTokenType(type, issuer.rules.profile)) {
    return { reason: 'wrong_type', cause: 'typ', issuer, expected: acceptedTypes(issuer.rules.profile), found: type ?? null };
  }
  if (issuer.introspection?.always) return introspectJwt(issuer, token, jws, config);
  const found = findVerifyingKey(issuer, jws, config.issuers.names);
  return found instanceof Promise ? found.then((key) => verifyWithKey(key, issuer, token, jws, config)) : verifyWithKey(found, issuer, token, jws, config);
}

/** With `introspect: 'always'`, the issuer decides on its JWTs. No other server gets to see them. */
function introspectJwt(issuer: Issuer, token: string, jws: PresentedJws, config: JwtVerification): Verification | Promise<Verification> {
  const claimed = claimedIssuer(jws.payload);
  if (claimed !== issuer.rules.issuer) return issuerMismatch(claimed, config.issuers.names);
  const failure = jws.replicated && replicatedClaimsFailure(jws.replicated, jws.payload, issuer);
  if (failure) return failure;
  const answered = config.introspection!.of(issuer)!.introspect(token, config.now() / 1000);
  // a name may be written with escapes
  if (!jws.payload.includes('"cnf"') && !jws.payload.includes('\\')) return answered;
  return answered instanceof Promise ? answered.then((late) => refuseMissingConfirmation(late, jws)) : refuseMissingConfirmation(answered, jws);
}

/** Returns the failure of a token whose header repeats claims that differ from the signed ones. Others may act on the header, and the issuer's answer does not show it. */
function replicatedClaimsFailure(replicated: JsonObject, payload: CompactJws['payload'], issuer: Issuer): VerificationFailure | undefined {
  const claims = parseStrictObject(payload);
  if (!claims) return { reason: 'malformed_token', cause: 'its header repeats claims, but its payload is not a strict JSON object', issuer };
  const problem = replicatedProblem(replicated, claims);
  return problem === undefined ? undefined : { reason: 'encrypted_token', cause: problem, issuer };
}

/**
 * Refuses an answer that lacks the token's `cnf` (RFC 9449 s6.2, RFC 8705 s3.2): a bound token must not become a bearer token because a server forgets it. A
 * payload that two parsers may read differently, such as one with two members `cnf`, is refused as well.
 */
function refuseMissingConfirmation(answered: Verification, { payload }: CompactJws): Verification {
  if (!isVerified(answered) || answered.confirmation !== undefined) return answered;
  const claims = parseStrictObject(payload);
  if (!claims) return { reason: 'malformed_token', cause: 'its payload may contain cnf, but is not a strict JSON object', issuer: answered.issuer };
  return (own(claims, 'cnf') ?? undefined) === undefined
    ? answered
    : { reason: 'unproven_confirmation', cause: 'the answer of the issuer lacks the cnf that the token has', issuer: answered.issuer };
}

function verifyWithKey(found: PreparedKey | VerificationFailure, issuer: Issuer, token: string, jws: PresentedJws, config: JwtVerification): Verification {
  return isFailure(found) ? found : verifyClaims(issuer, found, token, jws, config);
}

function verifyClaims(issuer: Issuer, key: PreparedKey, token: string, jws: PresentedJws, config: JwtVerification): Verification {
  markVerified(issuer);
  const size = unknownSize();
  const claims = parseStrictObject(jws.payload, size);
  if (!claims) return { reason: 'malformed_token', issuer, cause: 'its payload is signed, but is not a strict JSON object' };
  config.headers.keep(jws);
  const nowSeconds = config.now() / 1000;
  const problem = jws.replicated && replicatedProblem(jws.replicated, claims);
  if (problem !== undefined) return { reason: 'encrypted_token', cause: problem, issuer };
  const examined = examineClaims(claims, issuer.rules, nowSeconds, jws.header.type);
  if (isFailure(examined)) {
    // if an issuer's clock is too far ahead, its tokens are refused here, so report the clock skew here too
    if (isFuture(claims, issuer, nowSeconds)) config.monitor?.refusedAsFuture(issuer.rules.issuer, claims['iat'] as number, nowSeconds);
    return { ...examined, issuer };
  }
  const appClaims = config.claims && parseClaims(config.claims, claims);
  if (typeof appClaims === 'string') return { reason: 'invalid_claim', cause: appClaims, issuer };
  const auth = buildAuth(token, examined, issuer.rules, appClaims);
  const { algorithm, keyId, type } = jws.header;
  const { notBefore } = examined;
  const confirmation = readConfirmation(examined.confirmation);
  const verified: VerifiedJwt = { reason: undefined, auth, issuer, key, algorithm, keyId, type, notBefore, confirmation };
  if (!isProvable(confirmation, config.proofs)) return verified;
  config.monitor?.verified(auth, nowSeconds);
  if (config.tokenSignals && config.trust) auth.admit({ verified, tokenSignals: config.tokenSignals, trust: config.trust });
  config.cache?.set(token, verified, size);
  if (config.shadow) evaluateShadow(config.shadow, verified, nowSeconds);
  return verified;
}

function isFuture(claims: JsonObject, { rules }: Issuer, nowSeconds: number): boolean {
  const iat = own(claims, 'iat');
  return isNumericDate(iat) && iat > nowSeconds + rules.clockSkewSeconds;
}

function createHeaderMemory(known: Map<string, JoseHeader>): HeaderMemory {
  /** The header that was kept last. Most tokens have it, and to compare two texts costs less than to hash one. */
  let lastText: string | undefined;
  let last: JoseHeader | undefined;
  return {
    get: (header64) => (header64 === lastText ? last : known.get(header64)),
    keep({ header64, header }) {
      if (header === last || header64.length > 512 || known.has(header64)) return;
      if (known.size >= MAX_KNOWN_HEADERS) known.clear();
      // a copy, since a slice would keep the whole token
      lastText = Buffer.from(header64, 'latin1').toString('latin1');
      last = header;
      known.set(lastText, header);
    },
  };
}
