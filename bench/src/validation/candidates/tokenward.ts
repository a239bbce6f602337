import { createResourceGuard, type GuardOptions, type Jwks, type ProtectedRequest } from '@tokenward/core';
import { readFresh, type Setting, type ValidationCandidate } from '../candidate.ts';

/** With the cache, as by default, but no token is ever found there: to put one in is part of the cost. */
export const tokenwardFirstSight = tokenwardWith({
  name: 'tokenward guard.check, token seen first',
  tokens: 'new',
  tokenCache: ({ poolSize }) => ({ maxEntries: Math.floor(poolSize / 2) }),
});
export const tokenwardWithoutCache = tokenwardWith({ name: 'tokenward guard.check, no cache', tokens: 'new', tokenCache: () => false });
export const tokenwardSeenBefore = tokenwardWith({ name: 'tokenward guard.check, token seen before', tokens: 'known', tokenCache: () => undefined });

/**
 * No check at all: what remains of a row of `guard.check` without it, such as the request's string, its garbage and the meter.
 */
export const requestAlone: ValidationCandidate = {
  name: 'a request, not checked',
  inFlight: 1,
  tokens: 'known',
  examines: 'nothing',
  prepare() {
    return ({ field }) => {
      return () => requestWith(field).headers['authorization'] !== undefined;
    };
  },
};

interface Variant extends Pick<ValidationCandidate, 'name' | 'tokens'> {
  readonly tokenCache: (setting: Setting) => GuardOptions['tokenCache'];
}

/** Measures the whole guard, from a request's headers to a decision. */
function tokenwardWith({ name, tokens, tokenCache }: Variant): ValidationCandidate {
  return {
    name,
    packageName: '@tokenward/core',
    inFlight: 1,
    tokens,
    examines: 'claims',
    prepare(setting) {
      const { issuer, audience, jwks } = setting;
      const guard = createResourceGuard({ issuer, audience, jwks: jwks as unknown as Jwks, tokenCache: tokenCache(setting) });
      return ({ field }) => {
        return () => {
          // a guard verifies the credentials of one request once, so each attempt has its own request
          const decision = guard.check(requestWith(field));
          return decision instanceof Promise ? decision.then(({ outcome }) => outcome === 'allow') : decision.outcome === 'allow';
        };
      };
    },
  };
}

function requestWith(field: Buffer): ProtectedRequest {
  return { method: 'GET', target: '/orders', headers: { authorization: readFresh(field) } };
}
