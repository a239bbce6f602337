import { createLocalJWKSet, jwtVerify } from 'jose';
import { readFresh, type ValidationCandidate } from '../candidate.ts';

export const joseOneAtATime = joseWith({ name: 'jose.jwtVerify', inFlight: 1 });
export const jose64InFlight = joseWith({ name: 'jose.jwtVerify, 64 in flight', inFlight: 64 });

function joseWith({ name, inFlight }: Pick<ValidationCandidate, 'name' | 'inFlight'>): ValidationCandidate {
  return {
    name,
    packageName: 'jose',
    inFlight,
    tokens: 'new',
    examines: 'claims',
    prepare({ algorithm, issuer, audience, jwks }) {
      const keys = createLocalJWKSet({ keys: [...jwks.keys] });
      const options = { issuer, audience, algorithms: [algorithm] };
      return ({ token: bytes }) => {
        return () => jwtVerify(readFresh(bytes), keys, options);
      };
    },
  };
}
