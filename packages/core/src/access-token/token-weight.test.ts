import { expect, test } from 'vitest';
import { VerifiedAuth } from './verified-auth.js';
import type { Claims } from '../auth/claims.js';
import { parseStrictObject, unknownSize, type JsonObject } from '../lib/json.js';
import { weightOf } from './token-weight.js';

test('rule 70: counts the token text, the scopes and all claims at any depth', () => {
  const bare = weightOf('', authWith({}));
  expect(bare).toBe(564 + 64);
  expect(weightOf('x'.repeat(1_000), authWith({})) - bare).toBe(2_500);
  expect(weightOf('', authWith({}, ['a', 'b', 'c'])) - bare).toBe(3 * 32);
  const member = 100;
  expect(weightOf('', authWith({ a: 'text' })) - bare).toBe(member + 24);
  expect(weightOf('', authWith({ a: null })) - bare).toBe(member + 24);
  expect(weightOf('', authWith({ a: {} })) - bare).toBe(member + 64);
  expect(weightOf('', authWith({ a: [] })) - bare).toBe(member + 64);
  expect(weightOf('', authWith({ a: [1, null, 'x'] })) - bare).toBe(member + 64 + 3 * (8 + 24));
  expect(weightOf('', authWith({ a: [{ b: [{}] }] })) - bare).toBe(member + 64 + 8 + 64 + member + 64 + 8 + 64);
});

test.each(['{}', '{"a":"text","b":1700000001,"c":null,"d":true}', '{"a":[],"b":{}}', '{"a":[1,null,"x",[[]]],"b":[{"c":[{}]}]}', '{"a": "\\n", "b": 12000}'])(
  'rule 70: counts the same from the size of %s as from its claims',
  (text) => {
    const size = unknownSize();
    const claims = parseStrictObject(Buffer.from(text), size)!;
    expect(weightOf('', authWith(claims), size)).toBe(weightOf('', authWith(claims)));
  },
);

test('rule 70: counts both sets of claims if a schema produced its own', () => {
  const claims = { a: 1, b: [2] };
  const plain = authWith(claims);
  const claimsBytes = weightOf('', plain) - 564;
  expect(weightOf('', authWith(claims, [], { ...claims }))).toBe(564 + 2 * claimsBytes);
});

function authWith(claims: JsonObject, scopes: readonly string[] = [], appClaims: JsonObject = claims): VerifiedAuth {
  return new VerifiedAuth(
    'token',
    {
      issuer: 'https://login.example.com',
      subject: 'alice',
      clientId: undefined,
      audience: ['api'],
      scopes,
      roles: [],
      claims: appClaims as Claims,
      expiresAt: 2,
      issuedAt: 1,
      tokenId: undefined,
      sessionId: undefined,
      actor: undefined,
    },
    claims,
    { clockSkewSeconds: 30, maxTokenAgeSeconds: undefined },
  );
}
