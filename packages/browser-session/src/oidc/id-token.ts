import { createHash } from 'node:crypto';
import { createOutageWarnings, isNumericDate, isSameAlgorithm, printableUrl } from '@tokenward/core/store';
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWK, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import type { SessionConfig } from '../config.js';
import { CORRECTION, minutesOf } from './clock-difference.js';
import { endpointIn, type Metadata } from './discovery.js';
import { IssuerCallError, type IssuerHttp } from './http.js';
import { InvalidAnswerError } from './issuer-failure.js';
import { createRenewed, type Renewed, type RenewedConfig } from './renewed.js';

/** Signatures that need no shared secret. `none` and HS256 are not among them. */
const ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA'];
/** How long keys are used after they were fetched, if fetches fail: as long as a guard does, by default. */
const KEYS_USABLE_SECONDS = 70 * 60;
/** A login happens seconds before its ID token is checked. */
const MAX_ID_TOKEN_AGE_SECONDS = 600;
/** As JSON, since cookies keep it so. OpenID Connect Core s2 allows 255 ASCII characters. */
const MAX_SUBJECT_BYTES = 1026;

/** The keys of the issuer cannot be fetched now. That says nothing about the ID token. */
export class KeysUnavailableError extends IssuerCallError {}

/** The claims of an ID token that was verified. */
export interface IdTokenClaims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly iat: number;
}

/** Verifies ID tokens: signature, `alg`, and each claim of OpenID Connect Core s3.1.3.7 by the session's own clock. openid-client checks `nonce` and `auth_time`. */
export interface IdTokenVerifier {
  /** @throws an error (the promise rejects) that `failureOf` explains */
  verify(idToken: string, accessToken: string, metadata: Metadata, skewSeconds: number): Promise<IdTokenClaims>;
}

export function createIdTokenVerifier(config: SessionConfig, http: IssuerHttp): IdTokenVerifier {
  const { clientId, clock, issuer } = config;
  // the same at a new address, which may end the outage of an old one
  const renewal: RenewedConfig = { what: `the keys of ${issuer}`, usableSeconds: KEYS_USABLE_SECONDS, clock, outages: createOutageWarnings() };
  let keys: { readonly url: string; readonly cached: Renewed<JWTVerifyGetKey> } | undefined;

  function keysOf(metadata: Metadata): Renewed<JWTVerifyGetKey> {
    const url = endpointIn(metadata, 'jwks_uri', config);
    if (url === undefined) throw new IssuerCallError("the issuer's metadata has no jwks_uri, so its ID tokens cannot be verified");
    if (keys?.url !== url) keys = { url, cached: createRenewed(() => fetchKeys(url, http), renewal) };
    return keys.cached;
  }

  return {
    async verify(idToken, accessToken, metadata, skewSeconds) {
      const now = clock.now() / 1000;
      const { payload, protectedHeader } = await verifyByNewest(idToken, keysOf(metadata), {
        algorithms: listedAlgorithms(metadata) ?? [...ALGORITHMS],
        issuer: metadata.issuer,
        audience: clientId,
        currentDate: new Date(clock.now()),
        clockTolerance: skewSeconds,
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
      });
      const { sub, iat, azp } = payload;
      if (typeof sub !== 'string' || sub === '' || Buffer.byteLength(JSON.stringify(sub)) > MAX_SUBJECT_BYTES)
        throw new InvalidAnswerError('the ID token has a wrong sub');
      if (!isNumericDate(iat)) throw new InvalidAnswerError('the ID token has a wrong iat');
      if (iat > now + skewSeconds)
        throw new InvalidAnswerError(
          `the ID token was issued in the future (iat): the clock of this server is about ${minutesOf(iat - now)} behind that of the issuer. ${CORRECTION}`,
        );
      if (iat < now - MAX_ID_TOKEN_AGE_SECONDS - skewSeconds)
        throw new InvalidAnswerError(
          `the ID token is too old (iat): the clock of this server seems to be about ${minutesOf(now - iat)} ahead of that of the issuer. ${CORRECTION}`,
        );
      if (azp !== undefined && azp !== clientId) throw new InvalidAnswerError('the ID token has a wrong azp');
      checkAccessTokenHash(payload['at_hash'], accessToken, protectedHeader.alg);
      return payload as IdTokenClaims;
    },
  };
}

/**
 * Fetches the keys once more if no cached key fits, or if one that seems to fit does not verify the signature: without a `kid`, or with a reused one, a new key
 * looks like the old one. Only the token endpoint sends ID tokens, so no stranger can cause fetches.
 */
async function verifyByNewest(idToken: string, keys: Renewed<JWTVerifyGetKey>, options: JWTVerifyOptions) {
  try {
    return await verifySignature(idToken, await keys.get(), options);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    return verifySignature(idToken, await keys.renew(), options);
  }
}

/** A key set that cannot be fetched, or is not a key set, is an outage. If no key or several keys fit, that is an answer. */
async function fetchKeys(url: string, http: IssuerHttp): Promise<JWTVerifyGetKey> {
  let find: JWTVerifyGetKey;
  try {
    const response = await http.fetch(url, { headers: { accept: 'application/json, application/jwk-set+json' } });
    if (response.status !== 200) throw new IssuerCallError(`${printableUrl(url)}: answered with status ${response.status}`);
    find = createLocalJWKSet(readKeySet(await response.json()));
  } catch (error) {
    throw new KeysUnavailableError(error instanceof IssuerCallError ? error.message : noKeySet(url));
  }
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      const isAnswer =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSENotSupported;
      throw isAnswer ? error : new KeysUnavailableError(noKeySet(url));
    }
  };
}

/**
 * Some servers write all members that they know. As for a guard, a null member counts as absent, and so does a blank `alg` or `use` (rule 168). An element that
 * is null becomes a key that fits nothing. jose compares `alg` letter by letter, so a key for Ed25519 has none here: its kind and curve say as much.
 */
function readKeySet(document: unknown): JSONWebKeySet {
  const { keys } = document as { readonly keys: readonly (JWK | null)[] };
  return {
    keys: keys
      .map((jwk) => jwk ?? {})
      .map((jwk) => Object.fromEntries(Object.entries(jwk).filter((member) => counts(member, jwk))) as JSONWebKeySet['keys'][number]),
  };
}

function counts([name, value]: readonly [string, unknown], { kty, crv }: JWK): boolean {
  if (name !== 'alg' && name !== 'use') return value !== null;
  if (name === 'alg' && kty === 'OKP' && crv === 'Ed25519' && isSameAlgorithm(value, crv)) return false;
  return value !== null && !(typeof value === 'string' && value.trim() === '');
}

function noKeySet(url: string): string {
  return `${printableUrl(url)}: the answer is not a key set (JWKS)`;
}

/** Returns the algorithms that the metadata lists, `EdDSA` and `Ed25519` by both names (RFC 9864); undefined if it lists none. */
export function listedAlgorithms(metadata: Metadata): string[] | undefined {
  const listed: unknown = metadata['id_token_signing_alg_values_supported'];
  return Array.isArray(listed) ? ALGORITHMS.filter((algorithm) => listed.some((one) => isSameAlgorithm(one, algorithm))) : undefined;
}

/** Without a `kid`, several keys may fit. Returns the result of the first that verifies the signature. */
async function verifySignature(idToken: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(idToken, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(idToken, key, options);
      } catch (wrongKey) {
        if (!(wrongKey instanceof errors.JWSSignatureVerificationFailed)) throw wrongKey;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** OpenID Connect Core s3.1.3.8: optional in the code flow, and compared if it is there. */
function checkAccessTokenHash(hash: unknown, accessToken: string, algorithm: string): void {
  if (hash === undefined || hash === null) return;
  const bits = algorithm.startsWith('Ed') ? '512' : algorithm.slice(-3);
  const digest = createHash(`sha${bits}`).update(accessToken, 'ascii').digest();
  const expected = digest.subarray(0, digest.length / 2).toString('base64url');
  if (hash !== expected) throw new InvalidAnswerError('the ID token is for another access token (at_hash)');
}
