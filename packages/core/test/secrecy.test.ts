import { inspect } from 'node:util';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { claim, createResourceGuard, memoryRevocations, policy, rawToken, role, scope, type Decision, type Deny, type GuardOptions } from '@tokenward/core';
import { hostileTokens } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ask, createScene, expectAllowed } from './guarded.js';

const CHANNELS = ['tokenward:accepted', 'tokenward:refused', 'tokenward:keys-refreshed', 'tokenward:keys-failed'];

/** Collects the events of a guard until the test ends. */
function watch(): unknown[] {
  const seen: unknown[] = [];
  const listen = (event: unknown): void => void seen.push(event);
  for (const name of CHANNELS) subscribe(name, listen);
  onTestFinished(() => CHANNELS.forEach((name) => unsubscribe(name, listen)));
  return seen;
}

/** Every text in which a value may reach a log. */
function shown(value: unknown): string {
  const ways = [inspect(value, { depth: 20, showHidden: true, getters: true }), String(value), JSON.stringify(value, errorsToo)];
  try {
    ways.push(inspect(structuredClone(value), { depth: 20, showHidden: true }));
  } catch {
    // a value that cannot be cloned cannot be logged as a clone
  }
  return ways.join('\n');
}

function errorsToo(_name: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack, cause: value.cause } : value;
}

test('rule 139: an Auth never shows its token when it is printed, cloned or serialised', async () => {
  const { issuer, decide } = await createScene();
  const token = await issuer.issueToken({ scopes: ['a'] });
  const { auth } = expectAllowed(await decide(token));
  const [, payload, signature] = token.split('.') as [string, string, string];
  for (const part of [token, payload, signature]) {
    expect(shown(auth)).not.toContain(part);
    expect(shown({ ...auth })).not.toContain(part);
    expect(shown(Object.getOwnPropertyDescriptors(auth))).not.toContain(part);
  }
  expect(rawToken(auth!)).toBe(token);
  expect(() => rawToken({ ...auth! })).toThrow(/no guard created this value/);
  expect(() => rawToken(structuredClone(auth!))).toThrow(/no guard created this value/);
});

test('rule 139: a guard and its decisions show neither tokens nor keys', async () => {
  const { issuer, guard, decide } = await createScene();
  const token = await issuer.issueToken();
  const [, , signature = ''] = token.split('.');
  const decisions = [await decide(token), await decide(token, { policy: scope('a') }), await decide(`${token}x`)];
  for (const value of [guard, ...decisions]) expect(shown(value)).not.toContain(signature.slice(0, 40));
});

test('rule 142: puts no token into an event, a cause or an error', async () => {
  const seen = watch();
  const { issuer, guard } = await createScene({ clock: undefined }, { clock: { now: () => Date.now() } });
  const rows = await hostileTokens(issuer);
  const good = await issuer.issueToken({ scopes: ['a'], claims: { planted: 'planted-claim-value' } });
  const policies = [undefined, scope('b'), claim('planted', 'x'), policy('p', () => Promise.reject(new Error('late')) as never)];
  const decisions: Decision[] = [];
  for (const demand of policies) decisions.push(await ask(guard, good, { policy: demand }));
  for (const { token } of rows) decisions.push(await ask(guard, token));
  decisions.push(await guard.check({ method: 'GET', target: `/?access_token=${good}`, headers: { authorization: `Bearer ${good}` } }));

  expect(seen.length).toBeGreaterThan(rows.length);
  const told = shown(seen) + shown(decisions.map((decision) => (decision.outcome === 'deny' ? decision : { ...decision, auth: undefined })));
  expect(told).not.toContain('planted-claim-value');
  for (const token of [good, ...rows.map((row) => row.token)]) {
    for (const part of token.split('.')) if (part.length > 24 && !/^(.)\1*$/.test(part)) expect(told.includes(part.slice(0, 60))).toBe(false);
  }
});

test('rule 142: puts no error of a predicate into an event, since it may quote the token', async () => {
  const seen = watch();
  const { issuer, decide } = await createScene();
  const token = await issuer.issueToken({ claims: { planted: 'planted-claim-value' } });
  const quoting = policy('quoting', (auth) => JSON.parse(String(auth.claims['planted'])) as boolean);
  const telling = claim('planted', (value, auth) => {
    throw new Error(`${String(value)} ${rawToken(auth)}`);
  });
  expect(await decide(token, { policy: quoting })).toMatchObject({
    status: 403,
    cause: { message: expect.stringMatching(/^policy\("quoting"\) threw SyntaxError\. Its message may quote the token/) },
  });
  expect(await decide(token, { policy: telling })).toMatchObject({ status: 403 });
  expect(seen).toHaveLength(3);
  expect(shown(seen)).not.toContain('planted-c');
  expect(shown(seen)).not.toContain(token.slice(0, 60));
});

test.each<[string, () => never]>([
  ['an Error', () => raise(new TypeError('PLANTED', { cause: 'PLANTED' }))],
  ['a string', () => raise('PLANTED')],
  ['an object', () => raise({ message: 'PLANTED', [inspect.custom]: () => 'PLANTED' })],
  [
    'an Error with its own name, code and headers',
    () => raise(Object.assign(new Error('PLANTED'), { name: 'PLANTED', code: 'PLANTED', headers: ['PLANTED'] })),
  ],
])('rule 142: reveals nothing of %s that a user function throws, in any option', async (_what, thrower) => {
  const seen = watch();
  const { issuer } = await createScene();
  const token = await issuer.issueToken();
  const schema = { '~standard': { version: 1, vendor: 'x', validate: thrower } } as never;
  const store = { ...memoryRevocations(), find: thrower };
  const base = { issuer: issuer.issuer, audience: issuer.audience };
  const guards: [object, string, object?][] = [
    [base, 'policy_refused', { policy: policy('mine', thrower) }],
    [base, 'insufficient_claim', { policy: claim('sub', thrower) }],
    [{ ...base, claims: schema }, 'invalid_claim'],
    [{ ...base, rolesClaim: thrower }, 'insufficient_role', { policy: role('a') }],
    [{ issuers: thrower }, 'issuer_unavailable'],
    [{ issuers: async () => thrower() }, 'issuer_unavailable'],
    [{ ...base, revocations: { store } }, 'revocations_unavailable'],
  ];
  for (const [options, reason, access] of guards) {
    const guard = createResourceGuard(options as GuardOptions);
    const decision = await ask(guard, token, access);
    expect(decision).toMatchObject({ outcome: 'deny', reason });
    expect(inspect([seen, decision, guard.health(), (decision as Deny).explain()], { depth: Infinity, showHidden: true })).not.toContain('PLANTED');
    expect(shown([seen, decision])).not.toContain('PLANTED');
    await guard.close();
  }
});

function raise(thrown: unknown): never {
  throw thrown;
}

test('rule 142: puts nothing of a key server that echoes requests into errors', async () => {
  const seen = watch();
  const { issuer, decide } = await createScene();
  const token = await issuer.issueToken();
  issuer.misbehave({ document: `planted-body ${token}` });
  const decision = await decide(token);
  expect(decision).toMatchObject({ status: 503 });
  expect(shown([seen, decision])).not.toContain('planted-body');
  expect(shown([seen, decision])).not.toContain(token.slice(0, 60));
});

test('rule 142: bounds and quotes the name of another issuer in the error', async () => {
  const { issuer, decide } = await createScene();
  issuer.misbehave({ document: { issuer: `evil\n\u001b[31m${'x'.repeat(5000)}`, jwks_uri: issuer.jwksUri } });
  const decision = await decide({});
  const { message } = (decision as { cause: Error }).cause;
  expect(message.length).toBeLessThan(1000);
  // eslint-disable-next-line no-control-regex -- the test looks for control characters
  expect(message).not.toMatch(/[\u0000-\u001f]/);
});

test('rule 106: gives the same answer for every bad token', async () => {
  const { issuer, guard } = await createScene({ clock: undefined }, { clock: { now: () => Date.now() } });
  const rows = (await hostileTokens(issuer)).filter(({ status }) => status === 401);
  const answers = new Set<string>();
  for (const { token } of rows) {
    const decision = await ask(guard, token);
    if (decision.outcome === 'deny') answers.add(JSON.stringify([decision.status, decision.headers, decision.body]));
  }
  expect(answers.size).toBe(1);
});

test('rule 142: events report decisions and fetches with the configured issuer, and a refusal with its reason', async () => {
  const seen = watch();
  const { issuer, guard, decide } = await createScene();
  await decide({});
  await decide({ audience: 'https://other.example.test' });
  await guard.check({ method: 'GET', target: '/', headers: {} }, { credentials: 'optional' });
  issuer.misbehave('error');
  await guard.warm().catch(() => {});
  expect(seen).toEqual([
    { issuer: issuer.issuer, source: 'issuer', keyIds: [(await issuer.signingKey()).kid], remarks: [] },
    { issuer: issuer.issuer, anonymous: false, durationSeconds: 0 },
    {
      issuer: issuer.issuer,
      status: 401,
      reason: 'audience_mismatch',
      cause: 'aud',
      summary: 'The token is meant for another API ("aud").',
      docs: 'https://tokenward.github.io/tokenward/reasons/audience-mismatch/',
      durationSeconds: 0,
      guard: 'default',
      method: 'GET',
      route: undefined,
      path: '/',
      requestId: undefined,
      clientId: undefined,
    },
    { issuer: issuer.issuer, anonymous: true, durationSeconds: 0 },
    { issuer: issuer.issuer, source: 'issuer', message: expect.stringContaining('status 500'), usable: true },
  ]);
});

test('two guards share neither decisions nor keys', async () => {
  const one = await createScene();
  const two = createResourceGuard({ issuer: one.issuer.issuer, audience: 'https://other.example.test', clock: one.clock });
  const token = await one.issuer.issueToken();
  expect(await one.verdict(token)).toBe('allow');
  expect(await ask(two, token)).toMatchObject({ outcome: 'deny', reason: 'audience_mismatch' });
  expect(one.issuer.requests.jwks).toBe(2);
});
