import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { readFresh, type ValidationCandidate } from '../candidate.ts';

export const fastJwtUncached = fastJwtWith({ name: 'fast-jwt, uncached', tokens: 'new' });
export const fastJwtCached = fastJwtWith({ name: 'fast-jwt, from its cache', tokens: 'known' });
/** As its README suggests for more speed. By default it hashes each token. */
export const fastJwtCachedByToken = fastJwtWith({ name: 'fast-jwt, from its cache by the whole token', tokens: 'known', cacheKeyBuilder: (token) => token });

interface Variant extends Pick<ValidationCandidate, 'name' | 'tokens'> {
  readonly cacheKeyBuilder?: (token: string) => string;
}

function fastJwtWith({ name, tokens, ...more }: Variant): ValidationCandidate {
  return {
    name,
    packageName: 'fast-jwt',
    inFlight: 1,
    tokens,
    examines: 'claims',
    prepare({ algorithm, issuer, audience, jwks }) {
      const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
      const verify = createVerifier<string>({ key, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache: tokens === 'known', ...more });
      return ({ token: bytes }) => {
        return () => verify(readFresh(bytes)) as unknown;
      };
    },
  };
}
