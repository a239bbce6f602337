import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto';

const CURVES: Readonly<Record<string, readonly [algorithm: string, namedCurve: string]>> = {
  prime256v1: ['ES256', 'P-256'],
  secp384r1: ['ES384', 'P-384'],
  secp521r1: ['ES512', 'P-521'],
};
const MIN_RSA_BITS = 2048;

/** Returns the JWS algorithms with which a private key can sign. The first one is the default. */
export function signingAlgorithms(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= MIN_RSA_BITS ? ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'] : [];
    case 'ec':
      return Object.hasOwn(CURVES, namedCurve) ? [CURVES[namedCurve]![0]] : [];
    case 'ed25519':
      return ['Ed25519', 'EdDSA'];
    default:
      return [];
  }
}

/** The private key of `private_key_jwt`, as an option has it. */
export interface PrivateKeyOption {
  /** PEM (PKCS #8), or a JWK with its private members. */
  readonly key: string | object;
  /** The `kid` of assertions. Default: that of the JWK. */
  readonly kid?: string | undefined;
  /** The `alg` of assertions. Default: that of the JWK, else the first one that the key can sign with. */
  readonly algorithm?: string | undefined;
}

/** A key for `private_key_jwt`, and the header members that name it. */
export interface AssertionKey {
  readonly key: webcrypto.CryptoKey;
  readonly kid: string | undefined;
  readonly algorithm: string;
}

/** Returns the key of `private_key_jwt`. It cannot be exported again, so it cannot be printed. */
export function assertionKey({ key, kid, algorithm }: PrivateKeyOption): AssertionKey {
  const jwk = typeof key === 'string' ? undefined : (key as { readonly kid?: unknown; readonly alg?: unknown });
  const parsed = jwk ? createPrivateKey({ key: { ...jwk } as never, format: 'jwk' }) : createPrivateKey(key as string);
  const algorithms = signingAlgorithms(parsed);
  const own = jwk && Object.hasOwn(jwk, 'alg') && algorithms.includes(jwk.alg as string) ? (jwk.alg as string) : undefined;
  const chosen = algorithm ?? own ?? algorithms[0]!;
  const ownKid = jwk && Object.hasOwn(jwk, 'kid') && typeof jwk.kid === 'string' ? jwk.kid : undefined;
  return { key: parsed.toCryptoKey(webCryptoAlgorithm(parsed, chosen), false, ['sign']), kid: kid ?? ownKid, algorithm: chosen };
}

function webCryptoAlgorithm(key: KeyObject, algorithm: string): Parameters<KeyObject['toCryptoKey']>[0] {
  const hash = `SHA-${algorithm.slice(2)}`;
  if (algorithm.startsWith('RS')) return { name: 'RSASSA-PKCS1-v1_5', hash };
  if (algorithm.startsWith('PS')) return { name: 'RSA-PSS', hash };
  if (algorithm.startsWith('ES')) return { name: 'ECDSA', namedCurve: CURVES[key.asymmetricKeyDetails!.namedCurve!]![1] };
  return { name: 'Ed25519' };
}
