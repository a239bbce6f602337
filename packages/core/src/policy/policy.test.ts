import { describe, expect, test } from 'vitest';
import { requirementsFor } from '../adapter/requirements-for.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { combine } from './combinations.js';
import {
  acr,
  actedFor,
  actor,
  allOf,
  anyOf,
  anyRole,
  anyScope,
  authorizationDetails,
  claim,
  issuedBy,
  maxAge,
  not,
  policy,
  role,
  scope,
} from './constructors.js';
import { assertPolicy, isPolicy } from './kinds.js';
import type { Policy } from './policy.js';

const BRAND = Symbol.for('tokenward.policy');
const LISTS = { scope, anyScope, role, anyRole, issuedBy, acr } as const;
const isTrue = () => true;

describe('rule 96: a policy needs at least one name or policy', () => {
  test.each(Object.entries(LISTS))('%s() without a name throws', (name, make) => {
    expectMisuse(() => make(), `${name}()`, 'needs at least one name: without any, it would admit everybody');
    expectMisuse(() => make(...([] as string[])), `${name}()`, 'needs at least one name');
  });

  test.each([
    ['allOf', allOf],
    ['anyOf', anyOf],
  ] as const)('%s() without a policy throws', (name, make) => {
    expectMisuse(() => make(), `${name}()`, 'needs at least one policy: without any, it would admit everybody');
  });
});

describe('rule 103: an allOf that no token can satisfy throws', () => {
  const words = (...parts: string[]): string =>
    `refuses every token, because a login has one acr, and these policies accept none in common: ${parts.join('; ')}. To accept several, list them in one policy: acr('gold', 'silver')`;

  test.each<[string, readonly Policy[], readonly string[]]>([
    ['two acr policies', [acr('gold'), acr('silver')], ['acr("gold")', 'acr("silver")']],
    ['lists without a common value', [acr('a', 'b'), scope('s'), acr('c', 'd')], ['acr("a", "b")', 'acr("c", "d")']],
    ['three of which each two have one', [acr('a', 'b'), acr('b', 'c'), acr('c', 'a')], ['acr("a", "b")', 'acr("b", "c")', 'acr("c", "a")']],
    ['a nested allOf', [allOf(role('r'), acr('gold')), acr('silver')], ['allOf(role("r"), acr("gold"))', 'acr("silver")']],
    ['a nested anyOf', [anyOf(acr('a'), allOf(acr('b'), maxAge(60))), acr('c', 'd')], ['anyOf(acr("a"), allOf(acr("b"), maxAge(60)))', 'acr("c", "d")']],
  ])('%s', (_name, parts, named) => {
    expectMisuse(() => allOf(...parts), 'allOf(...)', words(...named));
    // wherever it is
    expectMisuse(() => anyOf(role('r'), allOf(...parts)), 'allOf(...)', words(...named));
    expectMisuse(() => requirementsFor('required', parts), 'guard(...)', words(...named));
    expectMisuse(() => requirementsFor('optional', [...parts, (_request: object) => role('r')].toReversed()), 'guard(...)', 'accept none in common');
  });

  test.each<[string, readonly Policy[]]>([
    ['lists with a common value', [acr('a', 'b'), acr('b', 'c')]],
    ['an anyOf with an alternative that fits', [anyOf(acr('a'), acr('b')), acr('b')]],
    ['an anyOf with an alternative that needs no login', [anyOf(acr('a'), role('r')), acr('b')]],
    ['an anyOf with an alternative that needs only a new login', [anyOf(acr('a'), maxAge(60)), acr('b')]],
    ['ages', [maxAge(60), maxAge(300), acr('a')]],
    ['an acr as an ordinary claim', [claim('acr', (value) => value !== 'silver'), acr('gold')]],
    ['the same value twice', [acr('a'), allOf(acr('a'), maxAge(60))]],
  ])('not %s', (_name, parts) => {
    expect(allOf(...parts)).toMatchObject({ kind: 'allOf', policies: parts });
    expect(() => requirementsFor('required', parts)).not.toThrow();
  });

  test('policies that are made for a request may contradict each other: the guard refuses', () => {
    const requirements = requirementsFor<object>('required', [acr('gold'), (_request: object) => acr('silver')])({});
    expect(requirements.policy).toMatchObject({ kind: 'allOf', policies: [{ kind: 'acr' }, { kind: 'allOf' }] });
  });
});

describe('rule 96: refuses names that a token cannot contain', () => {
  const invalid: readonly unknown[] = [
    '',
    ' ',
    ' a',
    'a ',
    'a\tb',
    'a\nb',
    'a\u00a0b',
    'a\u2003b',
    'a\0b',
    'a\u202eb',
    undefined,
    null,
    1,
    true,
    ['a'],
    { toString: () => 'a' },
  ];
  for (const [name, make] of Object.entries(LISTS)) {
    test.each(invalid.map((value) => [value]))(`${name}(%j) throws`, (value) => {
      expectMisuse(() => make(value as string), `${name}(`, 'is not a name that a token can contain');
      expectMisuse(() => make('good', value as string), `${name}(`, 'is not a name that a token can contain');
    });
  }

  test.each(['"', '\\', '\u00e9', '\u{1f600}', '\x7f'])('a scope and an acr value cannot contain %j (RFC 6749 s3.3)', (value) => {
    for (const make of [scope, anyScope, acr]) expectMisuse(() => make(value), make.name, 'is not a name');
  });

  test('accepts every character of a scope-token and of a role', () => {
    expect(scope("!#$%&'()*+,-./:;<=>?@[]^_`{|}~aZ0")).toMatchObject({ kind: 'scope' });
    expect(role('Geschäftsführer', '\u7ba1\u7406\u8005', 'a"b', 'a\\b')).toMatchObject({ kind: 'role' });
  });

  test('a role whose name has several words is one role', () => {
    for (const name of ['Domain Admins', '/admins/EU West', 'a  b c']) expect(role(name)).toMatchObject({ roles: [name] });
    expect(String(anyRole('Domain Admins', 'x'))).toBe('anyRole("Domain Admins", "x")');
  });

  test('a policy without a name throws, and the message says so', () => {
    expect(problemsOf(() => policy(isTrue as never, undefined as never))).toEqual([
      { path: 'policy(...)', message: "needs a name for operators as its first argument: policy('working hours', (auth) => ...)" },
    ]);
  });

  test('several names in one string throw, and the message says how to write them', () => {
    expectMisuse(
      () => scope('orders:read orders:write'),
      'scope("orders:read orders:write")',
      'pass several names as several arguments: scope("orders:read", "orders:write")',
    );
  });

  test('the message repeats at most nine words, and none that may be a secret', () => {
    const shownCall = (text: string): string => problemsOf(() => scope(text))[0]!.path;
    expect(shownCall('a b c d e f g h i')).toBe('scope("a b c d e f g h i")');
    const secret = 'kQ3v9XbN2LrT7wZsY5hJ8mPd4GfC6aEu';
    for (const hidden of ['a b c d e f g h i j', `a ${secret}`, `${secret} a`]) {
      const [problem] = problemsOf(() => scope(hidden));
      expect(problem!.path).not.toContain(hidden);
      expect(problem!.message).toBe('is not a name that a token can contain');
    }
    expect(problemsOf(() => scope('a b c'))[0]!.message).toContain('scope("a", "b", "c")');
  });

  test.each<[unknown, string, string]>([
    [['a', 'b'], 'role(object)', "; pass several names as several arguments: role('a', 'b')"],
    [['a b'], 'role(object)', "; pass several names as several arguments: role('a', 'b')"],
    ['a\tb', String.raw`role("a\tb")`, ''],
    [' a b', 'role(" a b")', ''],
    ['a b ', 'role("a b ")', ''],
    ['', 'role("")', ''],
    ['  ', 'role(a string of 2 characters)', ''],
    [undefined, 'role(undefined)', ''],
    [null, 'role(object)', ''],
    [1, 'role(number)', ''],
  ])('the message for role(%j) has a hint only if it applies', (value, where, hint) => {
    expect(problemsOf(() => role(value as string))).toEqual([{ path: where, message: `is not a name that a token can contain${hint}` }]);
  });

  test.each(['', '\n', 'a\0', undefined, null, 1, ['a']])('claim(...) and policy(...) throw for the name %j', (name) => {
    expectMisuse(() => claim(name as string, 'x'), 'claim(', 'is not a name');
    expectMisuse(() => policy(name as string, isTrue), 'policy(', 'is not a name');
  });

  test('a claim or policy may have a name of several words, or a URL as its name', () => {
    expect(claim('https://example.com/my roles', 'x')).toMatchObject({ name: 'https://example.com/my roles' });
    expect(policy('only on weekdays', isTrue)).toMatchObject({ name: 'only on weekdays' });
  });
});

describe('rule 96: checks the other arguments', () => {
  test('the message names the constructor that was called', () => {
    const pathOf = (call: () => unknown): string | undefined => problemsOf(call)[0]?.path;
    expect(pathOf(() => actor())).toBe('actor()');
    expect(pathOf(() => (actedFor as (name: string) => Policy)('assistant'))).toBe('actedFor(...)');
    expect(pathOf(() => authorizationDetails('', isTrue))).toMatch(/^authorizationDetails\(/);
    expect(pathOf(() => authorizationDetails('payment', undefined as never))).toBe('authorizationDetails("payment", ...)');
  });

  test.each([[undefined], [null], [''], [NaN], [{}], [['a']], [Symbol('a')], [1n]])('claim("tenant", %o) throws', (expected) => {
    expectMisuse(() => claim('tenant', expected as string), 'claim("tenant", ...)', 'needs a value (a string, number or boolean) or a function');
  });

  test.each([[0], [-1], [false], [true], ['x']])('accepts claim("tenant", %j)', (expected) => {
    expect(claim('tenant', expected)).toMatchObject({ kind: 'claim', expected });
  });

  test.each([[undefined], [true], ['isTrue'], [{}], [Promise.resolve(true)]])('policy("mine", %o) throws', (value) => {
    expectMisuse(() => policy('mine', value as unknown as () => boolean), 'policy("mine", ...)', 'needs a function');
  });

  test.each([[-1], [0.5], [NaN], [Infinity], ['60'], [null], [undefined], [1e12]])('maxAge(%j) throws', (seconds) => {
    expectMisuse(
      () => maxAge(seconds as number),
      `maxAge(${typeof seconds === 'string' ? '"60"' : String(seconds)})`,
      'needs a whole number of seconds, from 0 to 999999999',
    );
  });

  test.each([
    ['allOf', allOf],
    ['anyOf', anyOf],
  ] as const)('%s throws for an argument that is not a policy, and names the argument', (name, make) => {
    for (const value of [undefined, null, 'orders:read', scope, isTrue, {}, [scope('a')], true]) {
      const type = value === null ? 'null' : typeof value;
      expectMisuse(() => make(scope('a'), value as Policy), `${name}(...) argument 2`, `is ${type}, not a policy such as scope('orders:read')`);
    }
  });
});

describe('rule 100: not() refuses policies whose failure must not admit a request', () => {
  test.each<[string, Policy]>([
    ['a scope', scope('a')],
    ['any of several scopes', anyScope('a', 'b')],
    ['a role', role('a')],
    ['any of several roles', anyRole('a', 'b')],
    ['a claim value', claim('a', 'b')],
    ['an issuer', issuedBy('https://login.example.com')],
    ['combinations of these', allOf(scope('a'), anyOf(role('b'), claim('c', 1)))],
    ['another not', not(scope('a'))],
  ])('accepts %s', (_name, negated) => {
    expect(String(not(negated))).toBe(`not(${String(negated)})`);
  });

  test.each<[string, Policy, string]>([
    ['a predicate', policy('mine', isTrue), 'policy("mine")'],
    ['a predicate on a claim', claim('a', isTrue), 'claim("a", predicate)'],
    ['an acr', acr('gold'), 'acr("gold")'],
    ['a maximum age', maxAge(60), 'maxAge(60)'],
    ['one of these in a combination', allOf(scope('a'), policy('mine', isTrue)), 'allOf(scope("a"), policy("mine"))'],
    ['one of these in a nested combination', anyOf(scope('a'), allOf(role('b'), acr('gold'))), 'anyOf(scope("a"), allOf(role("b"), acr("gold")))'],
  ])('refuses %s', (_name, negated, printed) => {
    expectMisuse(() => not(negated), 'not(...)', `${printed} contains something else. Its negation would admit a request when it fails`);
  });

  test('refuses a value that is not a policy', () => {
    for (const value of [undefined, null, 'a', isTrue]) expectMisuse(() => not(value as unknown as Policy), 'not(', 'not a policy');
  });
});

test.each<[Policy, string]>([
  [scope('orders:read'), 'scope("orders:read")'],
  [scope('a', 'b', 'a'), 'scope("a", "b")'],
  [anyScope('a', 'b'), 'anyScope("a", "b")'],
  [role('admin'), 'role("admin")'],
  [anyRole('a"b'), String.raw`anyRole("a\"b")`],
  [claim('tenant', 'x'), 'claim("tenant", "x")'],
  [claim('level', 3), 'claim("level", 3)'],
  [claim('email_verified', true), 'claim("email_verified", true)'],
  [claim('tenant', isTrue), 'claim("tenant", predicate)'],
  [issuedBy('https://a.example', 'https://b.example'), 'issuedBy("https://a.example", "https://b.example")'],
  [acr('gold', 'silver'), 'acr("gold", "silver")'],
  [maxAge(0), 'maxAge(0)'],
  [policy('only on weekdays', isTrue), 'policy("only on weekdays")'],
  [anyOf(scope('reports:read'), role('auditor')), 'anyOf(scope("reports:read"), role("auditor"))'],
  [allOf(not(role('a')), anyOf(scope('b'))), 'allOf(not(role("a")), anyOf(scope("b")))'],
])('a policy prints as the call that creates it: %s', (value, printed) => {
  expect(String(value)).toBe(printed);
});

test('a policy has its kind and its arguments as members', () => {
  for (const [kind, make] of Object.entries(LISTS)) {
    const member = kind.endsWith('cope') ? 'scopes' : kind.endsWith('ole') ? 'roles' : kind === 'acr' ? 'values' : 'issuers';
    expect({ ...make('a', 'b', 'a') }).toEqual({ kind, [member]: ['a', 'b'] });
  }
  const part = scope('a');
  expect({ ...allOf(part) }).toEqual({ kind: 'allOf', policies: [part] });
  expect({ ...anyOf(part) }).toEqual({ kind: 'anyOf', policies: [part] });
  expect({ ...not(part) }).toEqual({ kind: 'not', policy: part });
  expect({ ...claim('tenant', 'x') }).toEqual({ kind: 'claim', name: 'tenant', expected: 'x' });
  expect({ ...maxAge(60) }).toEqual({ kind: 'maxAge', seconds: 60 });
  expect({ ...policy('mine', isTrue) }).toEqual({ kind: 'policy', name: 'mine', test: isTrue });
});

test('rule 71: a policy and its members are frozen', () => {
  const parts = [scope('a'), role('b')];
  const both = allOf(...parts);
  const all = [both, ...parts, not(scope('a')), acr('a'), maxAge(1), claim('a', 1), policy('a', isTrue)];
  for (const value of all) {
    expect(Object.isFrozen(value)).toBe(true);
    for (const member of Object.values(value)) if (Array.isArray(member)) expect(Object.isFrozen(member)).toBe(true);
  }
  parts.pop();
  expect(String(both)).toBe('allOf(scope("a"), role("b"))');
});

describe('rule 96: isPolicy and assertPolicy refuse what only looks like a policy', () => {
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'scope("a")'],
    ['a constructor', scope],
    ['a function', isTrue],
    ['an object with the members of a policy', { kind: 'scope', scopes: ['a'] }],
    ['a copy of a policy', { ...scope('a') }],
    ['a policy read from JSON', JSON.parse(JSON.stringify(scope('a')))],
    ['a structured clone', structuredClone({ ...scope('a') })],
    ['an object with another symbol of the same description', { [Symbol('tokenward.policy')]: true, kind: 'scope', scopes: ['a'] }],
    ['an object whose brand is only truthy', { [BRAND]: 1, kind: 'scope', scopes: ['a'] }],
    ['the brand without a kind', { [BRAND]: true }],
    ['the brand with a kind that only a newer copy knows', { [BRAND]: true, kind: 'unknown' }],
    ['the brand with the name of a prototype member as its kind', { [BRAND]: true, kind: 'constructor' }],
    ['an array of policies', [scope('a')]],
    ['a promise of a policy', Promise.resolve(scope('a'))],
  ])('refuses %s', (_name, value) => {
    expect(isPolicy(value)).toBe(false);
    expectMisuse(() => assertPolicy('here', value), 'here', 'not a policy');
  });

  test.each([
    ['a request of Node or Express', { headers: {} }],
    ['a context of Koa or Fastify', { req: {} }],
  ])('the message for %s says how to use a guard as middleware', (_name, value) => {
    const message = 'is a request: to use a guard as middleware, write guard() and not guard';
    expect(problemsOf(() => assertPolicy('here', value))).toEqual([{ path: 'here', message }]);
  });

  test('the message for a function with the member headers does not call it a request', () => {
    expectMisuse(
      () =>
        assertPolicy(
          'here',
          Object.assign(() => {}, { headers: {} }),
        ),
      'here',
      'is function, not a policy',
    );
  });

  test('isPolicy accepts a policy of another copy of this package', () => {
    expect(isPolicy(scope('a'))).toBe(true);
    expect(isPolicy(Object.assign(Object.create({ [BRAND]: true }), { kind: 'role', roles: ['a'] }))).toBe(true);
  });
});

describe('rule 101: combine requires all policies of a route', () => {
  test('returns undefined for none, the policy itself for one, and allOf for several', () => {
    const one = scope('a');
    expect(combine([])).toBeUndefined();
    expect(combine([one])).toBe(one);
    expect(String(combine([one, role('b'), not(scope('c'))]))).toBe('allOf(scope("a"), role("b"), not(scope("c")))');
  });

  test('throws if one of the policies is undefined', () => {
    expectMisuse(() => combine([undefined] as unknown as Policy[]), 'guard(...) argument 1', 'is undefined, not a policy');
    expectMisuse(() => combine([scope('a'), undefined] as Policy[]), 'guard(...) argument 2', 'is undefined, not a policy');
  });
});

function expectMisuse(call: () => unknown, where: string, words: string): void {
  const problems = problemsOf(call);
  expect(problems).toHaveLength(1);
  expect(problems[0]!.path).toContain(where);
  expect(problems[0]!.message).toContain(words);
}

function problemsOf(call: () => unknown): ConfigurationError['problems'] {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  const { problems, message } = thrown as ConfigurationError;
  expect(message).toBe(problems.map((problem) => `tokenward: ${problem.path}: ${problem.message}`).join());
  return problems;
}
