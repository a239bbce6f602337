import { JwtVerifier } from 'aws-jwt-verify';
import { readFresh, type ValidationCandidate } from '../candidate.ts';

export const awsJwtVerify: ValidationCandidate = {
  name: 'aws-jwt-verify, verifySync',
  packageName: 'aws-jwt-verify',
  inFlight: 1,
  tokens: 'new',
  examines: 'claims',
  prepare({ issuer, audience, jwks }) {
    const verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/jwks` });
    verifier.cacheJwks({ keys: [...jwks.keys] });
    return ({ token: bytes }) => {
      return () => verifier.verifySync(readFresh(bytes));
    };
  },
};
