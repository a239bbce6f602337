// What users see, checked by the compiler and never run.
import { createResourceGuard, type Auth, type BrowserSessionCredentials, type Decision, type ProblemDetails, type ResourceGuard } from '@tokenward/core';
import { SESSION_CREDENTIALS, type SessionFailure, type SessionToken } from '@tokenward/core/store';
import * as v from 'valibot';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

const common = { issuer: 'https://login.example.test', audience: 'https://api.example.test' };

expectTypeOf(createResourceGuard(common)).toEqualTypeOf<ResourceGuard>();
expectTypeOf(createResourceGuard()).toEqualTypeOf<ResourceGuard>();

const ofZod = createResourceGuard({ ...common, claims: z.object({ tenant: z.string(), since: z.string().transform(Number) }) });
expectTypeOf(ofZod).toEqualTypeOf<ResourceGuard<{ tenant: string; since: number }>>();

const ofValibot = createResourceGuard({ ...common, claims: v.object({ tenant: v.string(), since: v.pipe(v.string(), v.transform(Number)) }) });
expectTypeOf(ofValibot).toEqualTypeOf<ResourceGuard<{ tenant: string; since: number }>>();

declare const decision: Decision<Auth<{ tenant: string }>>;
if (decision.outcome === 'allow') {
  expectTypeOf(decision.auth.claims.tenant).toEqualTypeOf<string>();
  // @ts-expect-error -- the schema knows no such claim
  void decision.auth.claims.other;
  // @ts-expect-error -- it is frozen
  decision.auth.claims.tenant = 'x';
}

// @ts-expect-error -- a schema makes an object of claims
createResourceGuard({ ...common, claims: z.string() });

declare const session: BrowserSessionCredentials;
expectTypeOf(createResourceGuard({ ...common, session })).toEqualTypeOf<ResourceGuard>();
createResourceGuard({
  ...common,
  session: { [SESSION_CREDENTIALS]: async ({ headers }) => (headers['cookie'] ? { token: 't', headers: undefined } : undefined) },
});
expectTypeOf<SessionFailure['reason']>().toEqualTypeOf<'cross_site_request' | 'session_ended' | 'session_unavailable'>();
expectTypeOf<SessionToken['token']>().toEqualTypeOf<string>();
expectTypeOf<ProblemDetails['reason']>().toEqualTypeOf<'cross_site_request' | undefined>();
// @ts-expect-error -- the options of a session are not a session
createResourceGuard({ ...common, session: { issuer: common.issuer } });
// @ts-expect-error -- a guard's own reasons are none of a session
createResourceGuard({ ...common, session: { [SESSION_CREDENTIALS]: () => ({ reason: 'missing_token', token: undefined }) } });
