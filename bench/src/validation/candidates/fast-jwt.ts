import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { readFresh, type ValidationCandidate } from '../candidate.ts';

export const fastJwtUncached = fastJwtWith({ name: 'fast-jwt, uncached', tokens: 'new' });
export const fastJwtCached = fastJwtWith({ name: 'fast-jwt, from its cache', tokens: 'known' });

function fastJwtWith({ name, tokens }: Pick<ValidationCandidate, 'name' | 'tokens'>): ValidationCandidate {
  return {
    name,
    packageName: 'fast-jwt',
    inFlight: 1,
    tokens,
    examines: 'claims',
    prepare({ algorithm, issuer, audience, jwks }) {
      const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
      const verify = createVerifier<string>({ key, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache: tokens === 'known' });
      return ({ token: bytes }) => {
        const token = readFresh(bytes);
        return () => verify(token) as unknown;
      };
    },
  };
}
