import { inspect } from 'node:util';
import { claim, createResourceGuard, observe, policy, role, scope, type Deny, type Events, type GuardOptions, type Policy } from '@tokenward/core';
import { createTestIssuer, hostileTokens, type TokenOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene } from './guarded.js';

async function denied(wanted: TokenOptions | string, options: GuardOptions = {}, required?: Policy): Promise<Deny> {
  const { decide } = await createScene(options);
  const decision = await decide(wanted, { policy: required });
  if (decision.outcome === 'allow') throw new Error('the request was allowed');
  return decision;
}

describe('rule 174: an explanation says what was expected, what was found, and what to do', () => {
  test('explains another audience', async () => {
    const decision = await denied({ audience: 'https://orders.example.test' });
    expect(decision.explain()).toEqual({
      reason: 'audience_mismatch',
      summary: 'The token is meant for another API ("aud").',
      expected: 'aud "https://api.example.test"',
      found: 'aud "https://orders.example.test"',
      remedy: expect.stringContaining('set audience to what the authorization server writes into aud'),
      docs: 'https://tokenward.github.io/tokenward/reasons/audience-mismatch/',
    });
  });

  test('explains an audience that differs only in its final slash', async () => {
    for (const audience of ['https://api.example.test/', ['account', 'https://api.example.test/']]) {
      const { expected, remedy } = (await denied({ audience })).explain();
      expect([expected, remedy]).toEqual([
        'aud "https://api.example.test"',
        'The two differ only in the slash at the end. Write audience exactly as the token has it.',
      ]);
    }
  });

  test('explains an issuer that differs only in its final slash, scheme or host', async () => {
    const { issuer, decide } = await createScene();
    const slash = await decide({ claims: { iss: `${issuer.issuer}/` } });
    expect((slash as Deny).explain()).toMatchObject({
      reason: 'issuer_mismatch',
      expected: `iss "${issuer.issuer}"`,
      found: `iss "${issuer.issuer}/"`,
      remedy: expect.stringContaining('differ only in the slash at the end'),
    });
    const scheme = await decide({ claims: { iss: issuer.issuer.replace('http:', 'https:') } });
    expect((scheme as Deny).explain().remedy).toContain('differ only in http and https');
    const realm = await createScene({}, { path: '/realms/shop' });
    const host = await realm.decide({ claims: { iss: 'http://keycloak:8080/realms/shop' } });
    expect((host as Deny).explain().remedy).toContain('metadataUrl');
  });

  test('explains a key that is not published, and lists the published kids', async () => {
    const { issuer, decide } = await createScene();
    const { kid } = await issuer.signingKey();
    const decision = await decide({ header: { kid: 'of-another-environment' } });
    expect((decision as Deny).explain()).toMatchObject({ reason: 'unknown_key', expected: `kid "${kid}"`, found: 'kid "of-another-environment"' });
  });

  test('explains an algorithm that is not allowed, with a hint to sharedSecrets for HS256', async () => {
    const decision = await denied({ algorithm: 'ES256' }, { algorithms: ['RS256'] });
    expect(decision.explain()).toMatchObject({ reason: 'algorithm_not_allowed', expected: 'alg "RS256"', found: 'alg "ES256"' });
    const secret = await denied({ algorithm: 'HS256' });
    expect(secret.explain().remedy).toContain('sharedSecrets');
  });

  test('explains a wrong typ', async () => {
    const decision = await denied({ header: { typ: 'logout+jwt' } });
    expect(decision.explain()).toMatchObject({ reason: 'wrong_type', expected: 'typ "at+jwt", "JWT"', found: 'typ "logout+jwt"' });
  });

  test('explains why a credential is not a JWT', async () => {
    expect((await denied('opaque-token')).explain().summary).toBe('The token is not a signed JWT: it has no dots, so it is probably an opaque token.');
    expect((await denied('a.b')).explain().summary).toContain('does not have 3 segments');
    expect((await denied('a.b.c')).explain().summary).toContain('not a base64url-encoded JWT');
  });

  test('lists the required scopes or roles and those of the token', async () => {
    const scopes = await denied({ scopes: ['orders:read', 'profile'] }, {}, scope('orders:write'));
    expect(scopes.explain()).toMatchObject({ expected: 'scopes "orders:write"', found: 'scopes "orders:read", "profile"' });
    const roles = await denied({ roles: ['user'] }, {}, role('admin'));
    expect(roles.explain()).toMatchObject({ expected: 'roles "admin"', found: 'roles "user"' });
    const none = await denied({}, {}, role('admin'));
    expect(none.explain()).toMatchObject({ found: 'roles none' });
  });

  test('says by how many seconds a date is off', async () => {
    const expired = (await denied({ lifetimeSeconds: -3600 })).explain();
    expect(expired.summary).toMatch(/^The token expired 3600 s ago\.$/);
    const early = (await denied({ claims: { iat: Math.floor(Date.now() / 1000) + 900 } }, { clock: undefined })).explain();
    expect(early.summary).toMatch(/^The token says that it was issued \d+ s in the future \("iat"\)\.$/);
  });

  test('names the issuer whose keys are unavailable, and suggests jwksUri', async () => {
    const { issuer, decide } = await createScene();
    issuer.misbehave('error');
    const { summary, remedy } = ((await decide({})) as Deny).explain();
    expect(summary).toContain(`${issuer.issuer}/`);
    expect(remedy).toContain('jwksUri');
  });

  test('rule 142: does not show the value of a custom claim', async () => {
    for (const value of ['PLANTED', { PLANTED: 1 }, ['PLANTED'], 7]) {
      const decision = await denied({ claims: { tenant: value } }, { requiredValues: { tenant: 'acme' } });
      expect(JSON.stringify(decision.explain())).not.toContain('PLANTED');
      const refused = await denied({ claims: { tenant: value } }, {}, claim('tenant', 'acme'));
      expect(JSON.stringify(refused.explain())).not.toContain('PLANTED');
    }
    const thrown = await denied(
      { claims: { planted: 'PLANTED' } },
      {},
      policy('telling', ({ claims }) => JSON.parse(String(claims['planted'])) as boolean),
    );
    expect(JSON.stringify(thrown.explain())).not.toContain('PLANTED');
  });

  test('rule 142: a refusal by a policy built from the request is short, printable and shows no token', async () => {
    const { issuer, guard } = await createScene();
    const token = await issuer.issueToken();
    for (const written of ['a\u009b31mred\u2028line2\u0085\u202ertl', 'x'.repeat(12_000), token]) {
      const decision = (await ask(guard, token, { policy: claim('tenant', written) })) as Deny;
      const text = `${String(decision.cause)} ${JSON.stringify(decision.explain())} ${JSON.stringify(decision)}`;
      expect(text.length).toBeLessThan(4000);
      expect(text).toMatch(/^[\x20-\x7e]*$/);
      for (const part of token.split('.')) expect(text).not.toContain(part.slice(0, 40));
    }
  });

  test('rule 142: refuses the request whatever a predicate throws, and does not show its text', async () => {
    const odd: unknown[] = [
      Object.assign(new Error('x'), { name: 'PLANTED \u001b[31m\r\n' }),
      Object.defineProperty(new Error('x'), 'name', {
        get() {
          throw new Error('PLANTED');
        },
      }),
      Object.assign(new Error('x'), { name: Symbol('PLANTED') }),
      new Proxy(new Error('x'), {
        getPrototypeOf() {
          throw new Error('PLANTED');
        },
      }),
    ];
    for (const thrown of odd) {
      const decision = await denied(
        {},
        {},
        policy('odd', () => {
          throw thrown;
        }),
      );
      expect(decision.reason).toBe('policy_refused');
      expect(JSON.stringify(decision.explain())).not.toContain('PLANTED');
    }
  });

  test('rules 104 and 142: shows unverified values short and printable, and no part of the token', async () => {
    const wild = `https://evil.example/\n\u001b[31m${'x'.repeat(5000)}`;
    for (const wanted of [{ claims: { iss: wild } }, { header: { kid: wild.slice(0, 400) } }, { header: { typ: wild } }, { header: { alg: wild } }]) {
      const { issuer, guard } = await createScene();
      const token = await issuer.issueToken(wanted);
      const decision = (await ask(guard, token)) as Deny;
      const text = JSON.stringify(decision.explain());
      expect(text.length).toBeLessThan(2500);
      // eslint-disable-next-line no-control-regex -- control characters are what must not be there
      expect(text).not.toMatch(/\\u00[01]|[\u0000-\u001f]/);
      for (const part of token.split('.')) expect(text + inspect(decision, { depth: 20, showHidden: true })).not.toContain(part.slice(0, 60));
    }
  });

  test('rule 139: an explanation contains no long part of a hostile token', async () => {
    const { issuer, guard } = await createScene({ clock: undefined }, { clock: { now: () => Date.now() } });
    for (const { token } of await hostileTokens(issuer)) {
      const decision = await ask(guard, token);
      const text = JSON.stringify((decision as Deny).explain());
      for (const part of token.split('.')) if (part.length > 24 && !/^(.)\1*$/.test(part)) expect(text.includes(part.slice(0, 40)), text).toBe(false);
    }
  });
});

describe('events', () => {
  test('of refusals link to the page about their reason', async () => {
    const { issuer, guard } = await createScene({ shadow: { requiredClaims: ['tenant'] } });
    const seen: unknown[] = [];
    for (const name of ['tokenward:refused', 'tokenward:shadow-refused'] as const) onTestFinished(observe(name, ({ docs }) => seen.push(docs)));
    await ask(guard, await issuer.issueToken({ lifetimeSeconds: -100 }));
    await ask(guard, await issuer.issueToken());
    expect(seen).toEqual(['expired', 'missing-claim'].map((page) => `https://tokenward.github.io/tokenward/reasons/${page}/`));
  });

  test('rule 142: a refusal event names the request, without its query or a token in its path', async () => {
    const seen: Events['tokenward:refused'][] = [];
    onTestFinished(observe('tokenward:refused', (event) => seen.push(event)));
    const issuer = await createTestIssuer();
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, name: 'orders' });
    onTestFinished(async () => {
      await guard.close();
      await issuer.close();
    });
    const token = await issuer.issueToken();
    const target = `/links/${token}?secret=PLANTED`;
    const request = { method: 'POST', target, headers: { authorization: `Bearer ${token}` }, route: '/links/:id', requestId: 'req-7' };
    await guard.check(request, { policy: scope('links') });
    expect(seen).toMatchObject([{ guard: 'orders', method: 'POST', route: '/links/:id', path: '/links/[token]', requestId: 'req-7', clientId: 'client-1' }]);
    expect(JSON.stringify(seen)).not.toMatch(/PLANTED|eyJ/);
  });

  test('rule 142: an event omits a token in the path even if it is encoded or split', async () => {
    const { issuer, guard } = await createScene();
    const seen: unknown[] = [];
    onTestFinished(observe('tokenward:refused', (event) => seen.push(event)));
    onTestFinished(observe('tokenward:revoked-token-used', (event) => seen.push(event)));
    const token = await issuer.issueToken();
    const [, payload, signature] = token.split('.') as [string, string, string];
    const pretty = [Buffer.from('{\n  "alg": "ES256"\n}').toString('base64url'), payload, signature].join('.');
    const ways = [pretty, token.replaceAll('.', '%2E'), token.replaceAll('.', '/'), token.replaceAll('.', '%252e'), pretty.replaceAll('.', '/'), signature];
    await guard.revocations.revoke({ tokenId: (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string }).jti });
    for (const way of ways) {
      await guard.check({ method: 'GET', target: `/links/${way}/open`, headers: {} });
      await guard.check({ method: 'GET', target: `/links/${way}/open`, headers: { authorization: `Bearer ${token}` } });
    }
    expect(seen).toHaveLength(3 * ways.length);
    const shown = inspect(seen, { depth: Infinity, showHidden: true });
    for (const part of [payload, signature, ...ways]) expect(shown).not.toContain(part.slice(0, 24));
    expect(shown).toContain("path: '/links/[token]/open'");
  });
});
