import { describe, expect, test } from 'vitest';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import type { JsonObject } from '../lib/json.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { actedFor, actor, allOf, anyOf, authorizationDetails, not, scope } from './constructors.js';
import { evaluatePolicy, mentionedDetailTypes } from './evaluate.js';
import type { DetailPredicate, Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

function failureOf(policy: Policy, claims: object, request?: ProtectedRequest): PolicyFailure | undefined {
  const all = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 600, sub: 'alice', ...claims } as JsonObject;
  const auth = authFrom(all, claimRules({ issuer: ISSUER, audiences: new Set(['api']) }), NOW);
  return evaluatePolicy(policy, { auth, request, nowSeconds: NOW, clockSkewSeconds: 30 });
}

const isMet = (policy: Policy, claims: object): boolean => failureOf(policy, claims) === undefined;

describe('authorizationDetails (RFC 9396)', () => {
  const upTo100 = authorizationDetails('payment', ({ amount }) => typeof amount === 'number' && amount <= 100);

  test.each<[unknown, boolean]>([
    [[{ type: 'payment', amount: 100 }], true],
    [[{ type: 'payment', amount: 101 }], false],
    [
      [
        { type: 'other', amount: 1 },
        { type: 'payment', amount: 500 },
        { type: 'payment', amount: 5 },
      ],
      true,
    ],
    [[{ type: 'Payment', amount: 1 }], false],
    [[{ type: ['payment'], amount: 1 }], false],
    [[{ amount: 1 }], false],
    [[], false],
    [undefined, false],
    [null, false],
    ['payment', false],
    [{ type: 'payment', amount: 1 }, false],
    [[[{ type: 'payment', amount: 1 }]], false],
    [['payment', null, 1], false],
  ])('%j is enough: %s', (authorization_details, isEnough) => {
    expect(isMet(upTo100, { authorization_details })).toBe(isEnough);
    if (!isEnough) expect(failureOf(upTo100, { authorization_details })).toMatchObject({ reason: 'insufficient_claim' });
  });

  test('a token with more than 100 items is refused, and no predicate runs', () => {
    let calls = 0;
    const counting = authorizationDetails('payment', () => ++calls > 0);
    const items = (count: number): object => ({ authorization_details: Array.from({ length: count }, () => ({ type: 'payment' })) });
    expect(isMet(counting, items(101))).toBe(false);
    expect(calls).toBe(0);
    expect(isMet(counting, items(100))).toBe(true);
  });

  test('rule 100: the predicate admits only by returning true, and an item for which it throws does not hide a good one', () => {
    const claims = {
      authorization_details: [
        { type: 'payment', n: 1 },
        { type: 'payment', n: 2 },
      ],
    };
    const odd: unknown[] = [() => 'true', () => 1, () => ({}), () => undefined, async () => true, () => Promise.reject(new Error('late'))];
    for (const predicate of odd) expect(isMet(authorizationDetails('payment', predicate as DetailPredicate), claims)).toBe(false);
    const throwing = authorizationDetails('payment', ({ n }) => {
      if (n === 1) throw new Error('secret');
      return true;
    });
    expect(isMet(throwing, claims)).toBe(true);
    const always = failureOf(authorizationDetails('payment', () => { throw new Error('secret'); }), claims); // prettier-ignore
    expect(String(always?.details.cause)).not.toContain('secret');
  });

  test('the failure says which type is missing, or why the predicate refused the first item of the type', () => {
    const found = [{ type: 'other' }];
    expect(failureOf(upTo100, { authorization_details: found })?.details).toMatchObject({
      expected: 'an item of the type "payment" in authorization_details',
      found,
    });
    const odd = authorizationDetails('payment', (({ n }: { n?: number }) => (n === 1 ? 'yes' : false)) as unknown as DetailPredicate);
    const items = [1, 2].map((n) => ({ type: 'payment', n }));
    expect(failureOf(odd, { authorization_details: items })?.details.cause).toBe(
      'authorizationDetails("payment", predicate) returned a string instead of true',
    );
  });

  test('rule 97: an inherited type does not count, and the predicate cannot change the token', () => {
    const details = JSON.parse('[{ "__proto__": { "type": "payment" }, "amount": 1 }]') as unknown;
    expect(isMet(upTo100, { authorization_details: details })).toBe(false);
    const changing = authorizationDetails('payment', (detail) => Reflect.set(detail, 'amount', 1) || Object.isFrozen(detail));
    expect(isMet(changing, { authorization_details: [{ type: 'payment', amount: 500 }] })).toBe(true);
  });

  test('the predicate sees the caller and the request', () => {
    const own = authorizationDetails('payment', ({ account }, { subject }, request) => account === `${subject}/${request?.params?.['id'] as string}`);
    const request = { method: 'GET', target: '/accounts/7', headers: {}, params: { id: '7' } };
    expect(failureOf(own, { authorization_details: [{ type: 'payment', account: 'alice/7' }] }, request)).toBeUndefined();
    expect(failureOf(own, { authorization_details: [{ type: 'payment', account: 'bob/7' }] }, request)).toBeDefined();
    // another program could read another path: rule 151
    expect(failureOf(own, { authorization_details: [{ type: 'payment', account: 'alice/7' }] }, { ...request, target: '/accounts/../7' })).toBeDefined();
  });

  test('rule 96: needs a type and a predicate, and cannot be negated', () => {
    for (const type of ['', undefined, 1, 'a\nb', ['payment']]) expect(() => authorizationDetails(type as string, () => true)).toThrow(ConfigurationError);
    for (const predicate of [undefined, true, 'x', {}])
      expect(() => authorizationDetails('payment', predicate as never)).toThrow('needs a function as its second argument');
    expect(() => not(upTo100)).toThrow(ConfigurationError);
    expect(String(allOf(scope('a'), upTo100))).toBe('allOf(scope("a"), authorizationDetails("payment", predicate))');
  });

  test('the metadata finds its types', () => {
    expect(
      mentionedDetailTypes(
        allOf(
          scope('a'),
          anyOf(
            upTo100,
            authorizationDetails('x', () => true),
          ),
        ),
      ),
    ).toEqual(['payment', 'x']);
    expect(mentionedDetailTypes(anyOf(scope('a'), upTo100))).toEqual(['payment']);
    expect(mentionedDetailTypes(scope('a'))).toEqual([]);
  });
});

describe('actor and actedFor (RFC 8693 s4.1)', () => {
  /** Returns `act` for a chain: each acts for the next. */
  const chain = (...subjects: string[]): object => ({ act: subjects.reduceRight<object | undefined>((act, sub) => ({ sub, ...(act && { act }) }), undefined) });

  /** As many actors as may be, the last of whom names its predecessor as null. */
  const endsInNull = { act: ['assistant', ...Array.from({ length: 7 }, (_, at) => `s${at}`)].reduceRight<object | null>((act, sub) => ({ sub, act }), null) };

  test.each<[object, boolean]>([
    [chain('assistant'), true],
    [chain('assistant', 'gateway'), true],
    // only the current actor counts
    [chain('gateway', 'assistant'), false],
    [chain('Assistant'), false],
    [{}, false],
    [{ act: null }, false],
    [{ act: { sub: 'assistant', iss: ISSUER } }, true],
    [{ act: { sub: 'assistant', iss: 'https://other.example.com' } }, false],
    [{ act: { sub: ['assistant'] } }, false],
    [{ act: { client_id: 'assistant' } }, false],
    [{ act: { sub: 'assistant', act: 'gateway' } }, false],
    // a null says that nobody acted before
    [{ act: { sub: 'assistant', act: null } }, true],
    [endsInNull, true],
    [chain('assistant', ...Array.from({ length: 7 }, (_, at) => `s${at}`)), true],
    [chain('assistant', ...Array.from({ length: 8 }, (_, at) => `s${at}`)), false],
  ])('actor("assistant") with %j: %s', (claims, isEnough) => {
    expect(isMet(actor('assistant', 'agent'), claims)).toBe(isEnough);
  });

  test.each<[object, boolean]>([
    [{}, true],
    [chain('gateway'), true],
    [chain('assistant'), false],
    // who this is is not clear
    [{ act: { sub: 'assistant', iss: 'https://other.example.com' } }, false],
    [{ act: {} }, false],
    [{ act: { sub: 'gateway', act: 1 } }, false],
    [chain('gateway', ...Array.from({ length: 8 }, (_, at) => `s${at}`)), false],
  ])('not(actor("assistant")) with %j: %s', (claims, admits) => {
    expect(isMet(not(actor('assistant')), claims)).toBe(admits);
  });

  test('actedFor tells whether somebody acts for the subject, however long the chain is', () => {
    const long = chain(...Array.from({ length: 30 }, (_, at) => `s${at}`));
    for (const claims of [chain('assistant'), { act: {} }, long]) {
      expect(isMet(actedFor(), claims)).toBe(true);
      expect(isMet(not(actedFor()), claims)).toBe(false);
    }
    expect(isMet(actedFor(), {})).toBe(false);
    expect(isMet(not(actedFor()), {})).toBe(true);
  });

  test('rule 255: an actor that an app wrote, and that is no object, satisfies neither actedFor nor its opposite', () => {
    const auth = authFrom(
      { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 600, sub: 'alice' },
      claimRules({ issuer: ISSUER, audiences: new Set(['api']) }),
      NOW,
    );
    for (const given of ['assistant', 1, true, []]) {
      const context = { auth: { ...auth, actor: given } as never, request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 };
      for (const policy of [actedFor(), not(actedFor())]) expect(evaluatePolicy(policy, context)).toMatchObject({ reason: expect.any(String) });
    }
    const context = { auth: { ...auth, actor: null } as never, request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 };
    expect([evaluatePolicy(actedFor(), context)?.reason, evaluatePolicy(not(actedFor()), context)]).toEqual(['insufficient_claim', undefined]);
  });

  test('the failure says for operators what the token lacks', () => {
    expect(failureOf(actedFor(), {})).toEqual({
      reason: 'insufficient_claim',
      details: { cause: 'actedFor()', expected: 'a token by which somebody acts for its subject', found: undefined },
    });
    expect(failureOf(actor('assistant'), chain('gateway'))).toEqual({
      reason: 'insufficient_claim',
      details: { cause: 'actor("assistant")', expected: ['assistant'], found: { sub: 'gateway' } },
    });
  });

  test('rule 97: an inherited actor does not count', () => {
    const claims = JSON.parse('{ "act": { "__proto__": { "sub": "assistant" } } }') as object;
    expect(isMet(actor('assistant'), claims)).toBe(false);
  });

  test('rule 96: actor needs a name, and actedFor takes none', () => {
    expect(() => actor()).toThrow('needs at least one name');
    for (const name of ['', undefined, 1, 'a\nb']) expect(() => actor(name as string)).toThrow(ConfigurationError);
    expect(() => (actedFor as (name: string) => Policy)('assistant')).toThrow("takes no arguments. To name the actor, write actor('assistant')");
    expect(String(not(actedFor()))).toBe('not(actedFor())');
    expect(String(actor('a', 'b'))).toBe('actor("a", "b")');
  });
});
