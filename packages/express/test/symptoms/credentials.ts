import { SESSION_CREDENTIALS, type SessionFailure } from '@tokenward/core/store';
import { createDpopClient } from '@tokenward/testing';
import type { Stage } from './stage.js';

/** A browser session that always answers the same. */
const sessionThat = (answer: () => SessionFailure) => ({ [SESSION_CREDENTIALS]: answer });
const COOKIE = { cookie: '__Host-session=abc' };
/** What a browser session answers: see `csrf.ts` there. */
const FROM_ELSEWHERE: SessionFailure = {
  reason: 'cross_site_request',
  cause: 'the header x-tokenward-csrf: 1 is missing',
  expected: 'x-tokenward-csrf: 1',
  found: 'no such header',
  token: undefined,
};

/** Requests without an access token, with a malformed one, or with more than one. */
export const CREDENTIALS = {
  missing_token: ({ ask }: Stage) => ask({}),
  unsupported_scheme: ({ ask }: Stage) => ask({ headers: { authorization: 'Basic dXNlcjpwYXNz' } }),
  session_ended: ({ ask }: Stage) =>
    ask({
      options: { session: sessionThat(() => ({ reason: 'session_ended', cause: 'the user has logged out', token: undefined })) },
      headers: { ...COOKIE, 'x-tokenward-csrf': '1' },
    }),
  cross_site_request: ({ ask }: Stage) =>
    ask({
      options: { session: sessionThat(() => FROM_ELSEWHERE) },
      headers: COOKIE,
    }),
  session_unavailable: ({ ask }: Stage) =>
    ask({
      options: { session: sessionThat(() => ({ reason: 'session_unavailable', cause: 'the session store cannot be reached', token: undefined })) },
      headers: { ...COOKIE, 'x-tokenward-csrf': '1' },
    }),
  malformed_credentials: ({ ask }: Stage) => ask({ headers: { authorization: 'Bearer undefined undefined' } }),
  multiple_credentials: async ({ ask, token }: Stage) => ask({ bearer: await token(), path: '/orders?access_token=x' }),
  bearer_with_proof: async ({ ask, token, clock }: Stage) => {
    const [bearer, client] = [await token(), await createDpopClient({ clock })];
    await ask({ bearer, headers: { dpop: client.createProof({ url: 'https://api.example.com/orders' }, bearer) } });
  },
};
