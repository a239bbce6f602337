import { acr, claim, maxAge, policy, rawToken, type ClaimsSchema, type GuardOptions } from '@tokenward/core';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createScene, expectAllowed } from './guarded.js';

const PLANTED = 'planted-value';

/** The same schemas, written with each library. */
const schemas: [string, { readonly strict: ClaimsSchema; readonly transforming: ClaimsSchema; readonly slow: ClaimsSchema }][] = [
  [
    'zod',
    {
      strict: z.looseObject({ tenant: z.uuid(), address: z.object({ country: z.string().length(2) }).optional() }),
      transforming: z.object({ sub: z.string(), since: z.string().transform((text) => ({ year: Number(text.slice(0, 4)), parts: text.split('-') })) }),
      slow: z.looseObject({ tenant: z.string().refine(async () => true) }),
    },
  ],
  [
    'valibot',
    {
      strict: v.looseObject({ tenant: v.pipe(v.string(), v.uuid()), address: v.optional(v.object({ country: v.pipe(v.string(), v.length(2)) })) }),
      transforming: v.object({
        sub: v.string(),
        since: v.pipe(
          v.string(),
          v.transform((text) => ({ year: Number(text.slice(0, 4)), parts: text.split('-') })),
        ),
      }),
      slow: v.looseObjectAsync({
        tenant: v.pipeAsync(
          v.string(),
          v.checkAsync(async () => true),
        ),
      }) as never,
    },
  ],
];

const tenant = '6f1ed002-ab54-4f1c-8f0b-1c1c1c1c1c1c';

describe.each(schemas)('a %s schema', (_library, { strict, transforming, slow }) => {
  test('allows claims that satisfy it', async () => {
    const { decide } = await createScene({ claims: strict });
    const { auth } = expectAllowed(await decide({ claims: { tenant, address: { country: 'DE' }, more: 1 } }));
    expect(auth!.claims).toMatchObject({ tenant, address: { country: 'DE' }, more: 1, sub: 'user-1' });
    expect(auth!.subject).toBe('user-1');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a missing claim', {}, 'claims: tenant'],
    ['a malformed claim', { tenant: PLANTED }, 'claims: tenant'],
    ['a malformed nested claim', { tenant, address: { country: PLANTED } }, 'claims: address'],
    ['two malformed claims', { tenant: 7, address: PLANTED }, 'claims: tenant, address'],
  ])('refuses %s, and names the claim without its value', async (_what, claims, cause) => {
    const { decide } = await createScene({ claims: strict });
    const decision = await decide({ claims });
    expect(decision).toMatchObject({ outcome: 'deny', status: 401, reason: 'invalid_claim', cause });
    expect(JSON.stringify(decision)).not.toContain(PLANTED);
  });

  test('gives the handler the output of the schema, frozen', async () => {
    const { issuer, decide } = await createScene({ claims: transforming });
    const token = await issuer.issueToken({ claims: { since: '2030-01-02' } });
    const { auth } = expectAllowed(await decide(token));
    expect(auth!.claims).toEqual({ sub: 'user-1', since: { year: 2030, parts: ['2030', '01', '02'] } });
    const { since } = auth!.claims as unknown as { since: { parts: string[] } };
    for (const part of [auth!.claims, since, since.parts]) expect(Object.isFrozen(part)).toBe(true);
    expect(rawToken(auth!)).toBe(token);
    // the cached token has the same auth
    expect(expectAllowed(await decide(token)).auth).toBe(auth);
  });

  test('refuses the request if the schema returns a promise', async () => {
    const { decide } = await createScene({ claims: slow });
    const cause = 'claims: the schema returned a promise; it must validate synchronously';
    expect(await decide({ claims: { tenant } })).toMatchObject({ outcome: 'deny', status: 401, reason: 'invalid_claim', cause });
  });

  test('built-in policies read the claims of the token, and a custom predicate reads the output of the schema', async () => {
    const { clock, verdict } = await createScene({ claims: transforming });
    const authTime = Math.floor(clock.now() / 1000) - 100;
    const token = { claims: { since: '2030-01-02', acr: 'gold', auth_time: authTime } };
    expect(await verdict(token, { policy: claim('since', '2030-01-02') })).toBe('allow');
    expect(await verdict(token, { policy: claim('since', '2031-01-02') })).toBe('insufficient_claim');
    expect(await verdict(token, { policy: acr('gold') })).toBe('allow');
    expect(await verdict(token, { policy: acr('silver') })).toBe('weak_authentication');
    expect(await verdict(token, { policy: maxAge(200) })).toBe('allow');
    expect(await verdict(token, { policy: maxAge(10) })).toBe('stale_authentication');
    const year = policy('since 2030', ({ claims }) => (claims['since'] as { year: number }).year === 2030);
    expect(await verdict(token, { policy: year })).toBe('allow');
  });

  test('does not change the refusal of a wrong audience or an expired token', async () => {
    const { verdict } = await createScene({ claims: strict });
    expect(await verdict({ claims: { tenant, aud: 'https://other.example.test' } })).toBe('audience_mismatch');
    expect(await verdict({ claims: { tenant }, lifetimeSeconds: -100 })).toBe('expired');
  });
});

test('rule 68: runs the schema once per token, and the policy at each request', async () => {
  let asked = { schema: 0, policy: 0 };
  let isOpen = true;
  const schema: ClaimsSchema = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => (asked.schema++, { value: value as object }) },
  };
  const { issuer, verdict } = await createScene({ claims: schema });
  const opening = policy('opening hours', () => (asked.policy++, isOpen));
  const token = await issuer.issueToken();
  expect(await verdict(token, { policy: opening })).toBe('allow');
  isOpen = false;
  expect(await verdict(token, { policy: opening })).toBe('policy_refused');
  expect(asked).toEqual({ schema: 1, policy: 2 });
  asked = { schema: 0, policy: 0 };
  expect(await verdict(await issuer.issueToken())).toBe('allow');
  expect(asked).toEqual({ schema: 1, policy: 0 });
});

describe('a schema with unusual behaviour', () => {
  const schemaOf = (validate: (value: unknown) => unknown): ClaimsSchema => ({ '~standard': { version: 1, vendor: 'test', validate: validate as never } });
  const cyclic: Record<string, unknown> = { sub: 'x' };
  cyclic['self'] = cyclic;

  test.each<[string, (value: unknown) => unknown]>([
    [
      'throws',
      (value) => {
        throw new Error(JSON.stringify(value));
      },
    ],
    [
      'throws undefined',
      () => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- a schema can do this
        throw undefined;
      },
    ],
    ['writes to the claims', (value) => ({ value: Object.assign(value as object, { sub: 'root' }) })],
    ['returns undefined', () => undefined],
    ['returns null', () => null],
    ['returns true', () => true],
    ['returns an object without a value', () => ({})],
    ['returns null as the value', () => ({ value: null })],
    ['returns a string as the value', () => ({ value: 'claims' })],
    ['returns an empty list of issues', (value) => ({ value, issues: [] })],
    ...[0, false, null, '', 7, {}, new Map()].map((issues): [string, (value: unknown) => unknown] => [
      `returns a value and ${inspect(issues)} as issues`,
      (value) => ({ value, issues }),
    ]),
    ['returns null as an issue', (value) => ({ value, issues: [null] })],
    ['returns an issue without a path', (value) => ({ value, issues: [{}] })],
    ['returns a rejected promise', () => Promise.reject(new Error('no'))],
    // oxlint-disable-next-line unicorn/no-thenable -- a schema can do this
    ['returns a thenable', (value) => ({ then: (resolve: (result: unknown) => void) => resolve({ value }) })],
  ])('refuses the request if the schema %s', async (_what, validate) => {
    const { decide } = await createScene({ claims: schemaOf(validate) });
    for (let again = 0; again < 2; again++) {
      const decision = await decide({ claims: { planted: PLANTED } });
      expect(decision).toMatchObject({ outcome: 'deny', status: 401, reason: 'invalid_claim', cause: expect.stringMatching(/^claims: /) });
      expect(JSON.stringify(decision)).not.toContain(PLANTED);
    }
  });

  test('does not cache a refusal by the schema', async () => {
    let answers = 0;
    const { issuer, guard, verdict } = await createScene({ claims: schemaOf((value) => (answers++ === 0 ? { issues: [{}] } : { value })) });
    const token = await issuer.issueToken();
    expect(await verdict(token)).toBe('invalid_claim');
    expect(guard.health().tokenCache).toMatchObject({ entries: 0 });
    expect(await verdict(token)).toBe('allow');
    expect(await verdict(token)).toBe('allow');
    expect(answers).toBe(2);
  });

  test('rule 71: copies and freezes the output of the schema, even if it is cyclic or partly frozen, and does not freeze the original', async () => {
    const constant = { labels: ['own'] };
    const made = {
      cyclic,
      shallow: Object.freeze({ list: ['a'] }),
      bare: Object.assign(Object.create(null), { a: 1n }),
      constant,
      again: constant,
      none: undefined,
    };
    const { decide } = await createScene({ claims: schemaOf(() => ({ value: made })) });
    const claims = expectAllowed(await decide({})).auth!.claims as unknown as typeof made;
    expect(claims).toEqual(made);
    expect(claims.cyclic['self']).toBe(claims.cyclic);
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
    const parts = (of: typeof made): object[] => [of, of.cyclic, of.shallow, of.shallow.list, of.bare, of.constant, of.constant.labels];
    for (const part of parts(claims)) expect(Object.isFrozen(part)).toBe(true);
    for (const part of parts(made)) if (part !== made.shallow) expect(Object.isFrozen(part)).toBe(false);
    // a later write to the app's object does not change these claims
    constant.labels.push('more');
    expect(claims.constant.labels).toEqual(['own']);
  });

  class Account {
    name = 'a';
  }
  const writable: [string, object][] = [
    ['a Date', new Date()],
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a Uint8Array', new Uint8Array(4)],
    ['an ArrayBuffer', new ArrayBuffer(4)],
    ['a function', () => 'x'],
    ['an instance of a class', new Account()],
    ['an object with an inherited member', Object.create({ admin: true }) as object],
    ['a promise', Promise.resolve()],
    ['an Error', new Error('x')],
    ['a String object', Object('x') as object],
    ['a member called __proto__', JSON.parse('{"__proto__":{"admin":true}}') as object],
  ];
  test.each(writable)('rule 71: refuses a schema output with %s, and does not freeze it', async (_what, part) => {
    const refusal = {
      reason: 'invalid_claim',
      cause: 'claims: the output of the schema holds something other than plain objects, arrays and primitive values, or a member called __proto__',
    };
    const isFunction = typeof part === 'function';
    for (const value of [...(isFunction ? [] : [part]), { part }, { list: [{ part }] }]) {
      const { decide } = await createScene({ claims: schemaOf(() => ({ value })) });
      for (let again = 0; again < 2; again++) expect(await decide({})).toMatchObject({ outcome: 'deny', status: 401, ...refusal });
      expect([value, part].some((object) => Object.isFrozen(object))).toBe(false);
    }
  });

  test('rule 71: refuses a claim that zod turns into a Date', async () => {
    const { decide } = await createScene({ claims: z.object({ since: z.coerce.date() }) });
    expect(await decide({ claims: { since: '2030-01-02' } })).toMatchObject({
      reason: 'invalid_claim',
      cause: expect.stringMatching(/something other than plain/),
    });
  });
});

describe('names in the cause of a refusal', () => {
  const byPaths = (...paths: unknown[]): ClaimsSchema => ({
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: paths.map((path) => ({ path })) as never }) },
  });
  const causeOf = async (schema: ClaimsSchema, claims: Record<string, unknown>): Promise<unknown> => {
    const { decide } = await createScene({ claims: schema });
    const decision = await decide({ claims });
    expect(decision).toMatchObject({ outcome: 'deny', reason: 'invalid_claim' });
    return decision.outcome === 'deny' ? decision.cause : undefined;
  };

  test('omits a name that occurs in the token, as a name or in a value', async () => {
    const claims = { planted_name: 7, nested: { deep_name: ['a planted-value'] } };
    for (const name of ['planted_name', 'deep_name', 'planted-value', 'planted', 'nested']) {
      for (const path of [[name], [{ key: name }], [name, 'more']]) expect(await causeOf(byPaths(path), claims)).toBe('claims: one of them');
    }
    for (const record of [z.record(z.string(), z.string()), v.record(v.string(), v.string())]) {
      const cause = await causeOf(record, { planted_name: 7 });
      expect(cause).toMatch(/^claims: /);
      expect(cause).not.toContain('planted');
    }
    expect(await causeOf(z.record(z.string(), z.union([z.string(), z.number()])), { planted_name: {} })).toBe('claims: one of them');
  });

  test('shows a name that the schema declares, that the token does not have, or that is registered', async () => {
    expect(await causeOf(z.looseObject({ tenant: z.string() }), { tenant: 7 })).toBe('claims: tenant');
    expect(await causeOf(v.looseObject({ tenant: v.string() }), { tenant: 7 })).toBe('claims: tenant');
    expect(await causeOf(byPaths(['tenant'], [{ key: 'https://claims.example.test/tenant' }]), {})).toBe('claims: tenant, https://claims.example.test/tenant');
    expect(await causeOf(byPaths(['sub'], ['client_id'], ['roles']), {})).toBe('claims: sub, client_id, roles');
  });

  test('omits long names and odd ones, and shows each name once and at most five', async () => {
    for (const name of [`a\nb`, 'a b', '0', '', 'ä', 'b'.repeat(65), Symbol('s'), 0]) expect(await causeOf(byPaths([name]), {})).toBe('claims: one of them');
    expect(await causeOf(byPaths(['b'.repeat(64)], ['zz-1'], ['zz-1'], ['zz-2'], [], ['zz-3'], ['zz-4']), {})).toBe(
      `claims: ${'b'.repeat(64)}, zz-1, zz-2, as a whole, zz-3`,
    );
  });
});

test.each([7, 'zod', {}, () => true, { '~standard': null }, { '~standard': { version: 2, validate: () => ({}) } }, { '~standard': { version: 1 } }])(
  'claims: %j is an invalid option',
  async (claims) => {
    await expect(createScene({ claims } as unknown as GuardOptions)).rejects.toThrow(/claims: must be a Standard Schema, version 1/);
  },
);

describe('other options about claims', () => {
  test('requiredValues requires a claim to have the value, or one of the values', async () => {
    const { verdict } = await createScene({ requiredValues: { token_use: 'access', level: [1, 2], admin: true, hasOwnProperty: 'x' } });
    const good = { token_use: 'access', level: 2, admin: true, hasOwnProperty: 'x' };
    expect(await verdict({ claims: good })).toBe('allow');
    for (const name of Object.keys(good)) {
      for (const value of [undefined, null]) expect(await verdict({ claims: { ...good, [name]: value } })).toBe('missing_claim');
      for (const value of ['other', 3, false, [], {}, [good[name as 'level']], String(good[name as 'level']).toUpperCase(), '']) {
        expect(await verdict({ claims: { ...good, [name]: value } })).toBe('invalid_claim');
      }
    }
    expect(await verdict({ claims: { ...good, level: '1' } })).toBe('invalid_claim');
  });

  test.each([{}, [], 'x', null, { a: [] }, { a: '' }, { a: null }, { a: {} }, { a: ['x', null] }])(
    'requiredValues: %j is an invalid option',
    async (requiredValues) => {
      await expect(createScene({ requiredValues } as unknown as GuardOptions)).rejects.toThrow(/requiredValues/);
    },
  );

  test('reads the client from clientIdClaim, and from azp if that claim is absent', async () => {
    const { decide, verdict } = await createScene({ clientIdClaim: 'cid' });
    const clientOf = async (claims: Record<string, unknown>) => expectAllowed(await decide({ claims })).auth!.clientId;
    expect(await clientOf({ client_id: undefined, cid: 'own' })).toBe('own');
    expect(await clientOf({ client_id: 'standard', cid: 'own' })).toBe('own');
    expect(await clientOf({ client_id: undefined, azp: 'party' })).toBe('party');
    expect(await clientOf({ client_id: undefined })).toBeUndefined();
    for (const cid of [7, '', ['own']]) expect(await verdict({ claims: { client_id: undefined, cid } })).toBe('invalid_claim');
  });

  test('rule 47: compares allowed clients with clientIdClaim as well as client_id', async () => {
    const { verdict } = await createScene({ clientIdClaim: 'cid', allowedClients: ['web'] });
    expect(await verdict({ claims: { client_id: undefined, cid: 'web' } })).toBe('allow');
    expect(await verdict({ claims: { client_id: undefined, cid: 'other' } })).toBe('client_not_allowed');
    expect(await verdict({ claims: { client_id: 'other', cid: 'web' } })).toBe('client_not_allowed');
    expect(await verdict({ claims: { client_id: undefined } })).toBe('client_not_allowed');
  });

  test('rolesClaim with several paths combines the roles at each path that exists', async () => {
    const rolesClaim = [['realm_access', 'roles'], ['resource_access', 'https://api.example.test', 'roles'], ['groups']];
    const { decide } = await createScene({ rolesClaim });
    const rolesOf = async (claims: Record<string, unknown>) => expectAllowed(await decide({ claims })).auth!.roles;
    const client = { 'https://api.example.test': { roles: ['b', 'c'] }, other: { roles: ['x'] } };
    expect(await rolesOf({ realm_access: { roles: ['a', 'b'] }, resource_access: client, groups: 'd' })).toEqual(['a', 'b', 'c', 'd']);
    expect(await rolesOf({ resource_access: client })).toEqual(['b', 'c']);
    expect(await rolesOf({ roles: ['x'] })).toEqual([]);
    expect(await rolesOf({})).toEqual([]);
    expect(await rolesOf({ realm_access: { roles: ['a'] }, groups: [7] })).toEqual([]);
    expect(await rolesOf({ realm_access: 'a', groups: ['d'] })).toEqual([]);
  });

  test.each([[], [[]], [['a'], []], [['a'], ['']], [['a'], [7]], [['a'], 'b']])('rolesClaim: %j is an invalid option', async (...rolesClaim) => {
    await expect(createScene({ rolesClaim } as unknown as GuardOptions)).rejects.toThrow(/rolesClaim/);
  });
});
