import { ConfigurationError, createResourceGuard, type ConfigurationProblem, type GuardOptions } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask } from './guarded.js';

const good = { issuer: 'https://login.example.test', audience: 'https://api.example.test' };

function problemsOf(options: unknown): readonly ConfigurationProblem[] {
  try {
    createResourceGuard(options as GuardOptions);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const pathsOf = (options: unknown): string[] => problemsOf(options).map(({ path }) => path);

test('an error lists all invalid options at once, each with its path, the given value and what to use', () => {
  const wrong = {
    issuer: 'login',
    audience: [''],
    clockSkewSeconds: 9999,
    algorithms: ['RS257'],
    keyFetching: { timeoutSeconds: 0, retries: 3 },
    audiance: 'x',
  };
  const messages = problemsOf(wrong).map(({ path, message }) => `${path}: ${message}`);
  expect(() => createResourceGuard(wrong as never)).toThrow(`7 invalid options:\n  - ${messages.join('\n  - ')}`);
  expect(messages).toEqual([
    expect.stringMatching(
      /^audiance: is not an option: did you mean audience\? \(options: issuer, tenants, .*, audience, .*, issuers, claims, tokenCache, .*, fetch\)$/,
    ),
    'issuer: is not an absolute URL. Use one, or set jwksUri, jwks, jwksFile or sharedSecrets (got a string of 5 characters)',
    'audience: must be a non-empty string or a list of such strings, without white space around them (got a list)',
    // plus ML-DSA, if the runtime supports it
    expect.stringMatching(
      /^algorithms: lists "RS257", which is not supported\. Use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519/,
    ),
    'clockSkewSeconds: must be a number from 0 to 300 (got 9999)',
    'keyFetching.retries: is not an option (options: timeoutSeconds, maxBytes, maxKeys, jwksHosts, caFile, ca, bearerTokenFile, freshSeconds, staleSeconds, unknownKeyCooldownSeconds)',
    'keyFetching.timeoutSeconds: must be a number from 0.01 to 60 (got 0)',
  ]);
});

test.each<[string, unknown, string[]]>([
  ['empty options', {}, ['issuer', 'audience']],
  ['an http issuer', { ...good, issuer: 'http://login.example.test' }, ['issuer']],
  ['an http issuer with a host that only looks like loopback', { ...good, issuer: 'http://127.0.0.1.example.test' }, ['issuer']],
  ['an issuer with a query', { ...good, issuer: 'https://login.example.test?x' }, ['issuer']],
  ['an issuer with a fragment', { ...good, issuer: 'https://login.example.test#x' }, ['issuer']],
  ['the URL of the metadata as the issuer', { ...good, issuer: 'https://login.example.test/.well-known/openid-configuration' }, ['issuer']],
  ['an issuer that is not a string', { ...good, issuer: 7 }, ['issuer']],
  ['an empty realm', { ...good, realm: '' }, ['realm']],
  ['an unknown profile', { ...good, profile: 'rfc7519' }, ['profile']],
  ['an empty list of required claims', { ...good, requiredClaims: [] }, ['requiredClaims']],
  ['allowed clients as a string', { ...good, allowedClients: 'web' }, ['allowedClients']],
  ['an empty path to the roles', { ...good, rolesClaim: [] }, ['rolesClaim']],
  ['jwks together with jwksUri', { ...good, jwksUri: 'https://login.example.test/jwks', jwks: { keys: [] } }, ['jwks', 'jwks']],
  ['a clock without methods', { ...good, clock: {} }, ['clock']],
  ['a fetch that is not a function', { ...good, fetch: 'https' }, ['fetch']],
  ['an audience together with unsafeAcceptTokensForAnyAudience', { ...good, unsafeAcceptTokensForAnyAudience: true }, ['unsafeAcceptTokensForAnyAudience']],
  ['a flag that is not a boolean', { issuer: good.issuer, audience: 'a', unsafeAcceptTokensForAnyAudience: 'true' }, ['unsafeAcceptTokensForAnyAudience']],
  ['keyFetching that is a number', { ...good, keyFetching: 5 }, ['keyFetching']],
  ['a maxTokenBytes of 0', { ...good, maxTokenBytes: 0 }, ['maxTokenBytes']],
])('throws at start-up for %s', (_what, options, paths) => {
  expect(pathsOf(options)).toEqual(paths);
});

test.each([undefined, null, '', [], [null], [''], ['https://api.example.test', undefined], 7, {}])(
  'rule 41: throws at start-up for the audience %j',
  (audience) => {
    expect(pathsOf({ issuer: good.issuer, audience })).toEqual(['audience']);
  },
);

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 300.1, '60', null, true, [5]])(
  'rule 45: throws at start-up for a clock skew of %s',
  (clockSkewSeconds) => {
    expect(pathsOf({ ...good, clockSkewSeconds })).toEqual(['clockSkewSeconds']);
  },
);

test.each([0, 0.5, 300])('rule 45: accepts a clock skew of %s', (clockSkewSeconds) => {
  expect(pathsOf({ ...good, clockSkewSeconds })).toEqual([]);
});

test.each(['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds'])('rule 45: throws at start-up if %s is not a positive finite number', (name) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e12, 0, -1, '60']) expect(pathsOf({ ...good, [name]: value })).toEqual([name]);
});

test.each([
  ['null', null],
  ['a string', 'https://login.example.test'],
  ['a list', [good]],
  [
    'an instance of a class',
    new (class Options {
      issuer = good.issuer;
      audience = good.audience;
      get allowedClients() {
        return ['web'];
      }
    })(),
  ],
  ['an object with options in its prototype', Object.create(good)],
  ['an object that inherits options from one without a prototype', Object.create(Object.assign(Object.create(null) as object, good))],
  ['an object with hidden members', Object.defineProperty({ ...good }, 'allowedClients', { value: ['web'] })],
])('throws at start-up if the options are %s', (_what, options) => {
  expect(pathsOf(options)).toEqual(['options']);
});

test('accepts options without a prototype', () => {
  expect(pathsOf(Object.assign(Object.create(null) as object, good))).toEqual([]);
});

test.each([' https://login.example.test', 'https://login.example.test\n', 'https://login.example.test/a b'])(
  'throws at start-up for an issuer with white space: %j',
  (issuer) => {
    expect(pathsOf({ ...good, issuer })).toEqual(['issuer']);
  },
);

test.each([' ', 'https://api.example.test\n', ['a', ' b']])('throws at start-up for an audience with white space around it: %j', (audience) => {
  expect(pathsOf({ ...good, audience })).toEqual(['audience']);
});

test.each(['https://keys.example.test', 'KEYS.example.test', 'keys.example.test:8443', '*.example.test', 'a b'])(
  'throws at start-up for a host in jwksHosts that can never match: %s',
  (host) => {
    expect(pathsOf({ ...good, keyFetching: { jwksHosts: ['keys.example.test', host] } })).toEqual(['keyFetching.jwksHosts']);
  },
);

describe('secrets', () => {
  const secret = 'planted-secret';

  test.each(['secret', 'secrets', 'secretOrKey', 'key'])('rule 138: reports %s as an unknown option, and does not show its value', (name) => {
    for (const value of [secret, '/run/secrets/planted-secret', `-----BEGIN PUBLIC KEY-----\n${secret}`, Buffer.from(secret)]) {
      const [problem] = problemsOf({ ...good, [name]: value });
      expect(problem).toMatchObject({ path: name, message: expect.stringContaining('is not an option') });
      expect(JSON.stringify(problem)).not.toContain(secret);
    }
  });

  test('rule 22: throws at start-up for a secret or an invalid PEM as jwks, and does not show it', () => {
    for (const jwks of [secret, `-----BEGIN PUBLIC KEY-----\n${secret}`, Buffer.from(secret), { keys: [secret] }]) {
      const problems = problemsOf({ ...good, jwks });
      expect(problems.map(({ path }) => path)).toEqual(['jwks']);
      expect(JSON.stringify(problems)).not.toContain(secret);
    }
  });

  test('rule 139: does not show the password or another secret part of a URL', () => {
    for (const name of ['issuer', 'jwksUri', 'resourceMetadataUrl']) {
      const [problem] = problemsOf({ ...good, [name]: `https://user:${secret}@login.example.test/` });
      expect(problem?.message).toMatch(/user name or password/);
      for (const url of [
        `https://user:${secret}@login.example.test/`,
        `https//user:${secret}@x`,
        `user:${secret}@x`,
        `https://user:${secret}@x:99999`,
        `http://x?key=${secret}`,
        `x#${secret}`,
      ]) {
        expect(JSON.stringify(problemsOf({ ...good, [name]: url }))).not.toContain(secret);
      }
    }
  });
});

describe('environment variables', () => {
  test('createResourceGuard() reads ISSUER_BASE_URL and AUDIENCE', async () => {
    const issuer = await createTestIssuer();
    vi.stubEnv('ISSUER_BASE_URL', issuer.issuer);
    vi.stubEnv('AUDIENCE', issuer.audience);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await issuer.close();
    });
    expect((await ask(createResourceGuard(), await issuer.issueToken())).outcome).toBe('allow');
  });

  test('an error names the environment variable', () => {
    vi.stubEnv('ISSUER_BASE_URL', 'http://login.example.test');
    vi.stubEnv('AUDIENCE', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    const [issuer, audience] = problemsOf({});
    expect(issuer).toMatchObject({ path: 'issuer', message: expect.stringContaining('ISSUER_BASE_URL') });
    expect(audience).toMatchObject({ path: 'audience', message: expect.stringContaining('AUDIENCE') });
  });

  test('an option overrides the environment variable', () => {
    vi.stubEnv('ISSUER_BASE_URL', 'nonsense');
    vi.stubEnv('AUDIENCE', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(pathsOf(good)).toEqual([]);
  });
});
