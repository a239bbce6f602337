import { expect, test } from 'vitest';
import { answerName, createAnswerSealer } from './access-token/introspection-seal.js';
import { createNonces } from './binding/nonces.js';
import { createSpending, proofName } from './binding/spent-proofs.js';
import { replayName } from './lib/replays.js';

// The processes of a fleet share what is here. While a release is rolled out, two versions run at once, so a change would open proofs to a second use, or make
// processes ask for what others know. If it must change, give it another label, and let the next release read both.

test('rule 306: an answer that the first release sealed is opened, and is under the same name', () => {
  const sealed = 'f09OTY_GKj6BeSA6wXZPJJjW79uKLVwSRGljPML2btIa-LbRj5tvSe3iVQELPWqGvQ4lM6PV3ObZFij7VVamp_7Ivpbz8yg6AqvfP1qZ20s-5ZWIeZDwbLZ1w8b0';
  expect(createAnswerSealer('a secret').open('name', 'token', sealed)).toEqual({ claims: { active: true, sub: 'user-1' }, askedAt: 1_900_000_000.25 });
  expect(answerName('https://login.example.test/introspect\napi', 'token')).toBe('dh18xFCFfiJG3D1ohH_bdaDBKlnGipqzjjmW-9ZThGk');
});

test('rule 306: a secret has the nonces of the first release', () => {
  const nonces = createNonces({ secrets: [Buffer.alloc(32, 'secret')], lifetimeSeconds: 100, clockSkewSeconds: 5 });
  expect(nonces.current(1_700_000_000)).toBe('5Xapww5BsXzAHyS7HUHU_Y');
});

test('rule 306: what may be used once, and who answers for it, have the names of the first release', () => {
  expect(replayName('logout', 'https://login.example.com', 'jti-1')).toBe('tyIHJiPadcM8ZdQ7o7PRosOE97FVRRE9MG7PbGVaDdI');
  expect([proofName('key', 'jti-1'), proofName('key', 'x'.repeat(65))]).toEqual(['key.jti-1', 'j4osVraKp4qjAiJktHUfCAPXx9sAA7sKV5iFoNKoBTI']);
  const issuer = 'https://login.example.com';
  const owners: unknown[] = [];
  const spend = createSpending({ add: (_name, _ttlSeconds, owner) => (owners.push(owner), true) }, 76);
  const senders = [{ subject: 'alice', clientId: 'app' }, { subject: undefined, clientId: 'app' }, { subject: undefined, clientId: undefined }]; // prettier-ignore
  for (const sender of senders) void spend({ method: 'GET', target: '/', headers: {} }, 'proof', 'token', () => ['key', 'jti', { issuer, ...sender }, {}]);
  expect(owners).toEqual([replayName('subject', issuer, 'alice'), replayName('client', issuer, 'app'), replayName('key', issuer, 'key')]);
});
