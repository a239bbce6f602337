import { createResourceGuard, type Jwks, type ProtectedRequest } from '@tokenward/core';
import { readFresh, type ValidationCandidate } from '../candidate.ts';

/** The guard's whole way: from a request's header fields to a decision. */
export const tokenward: ValidationCandidate = {
  name: 'tokenward guard.check',
  packageName: '@tokenward/core',
  inFlight: 1,
  tokens: 'new',
  examines: 'claims',
  prepare({ issuer, audience, jwks }) {
    const guard = createResourceGuard({ issuer, audience, jwks: jwks as unknown as Jwks });
    return ({ field }) => {
      // a guard looks at a request's credentials once, so each attempt is a request of its own
      const request: ProtectedRequest = { method: 'GET', target: '/orders', headers: { authorization: readFresh(field) } };
      return () => {
        const decision = guard.check(request);
        return decision instanceof Promise ? decision.then(({ outcome }) => outcome === 'allow') : decision.outcome === 'allow';
      };
    };
  },
};
