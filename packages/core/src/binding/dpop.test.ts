import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { importEmbeddedKey } from '../jose/embedded-key.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { DpopConfig } from './dpop-options.js';
import { createProofChecker } from './dpop.js';
import { createNonces } from './nonces.js';
import { readProof, tokenHash } from './proof.js';

vi.mock(import('../jose/embedded-key.js'), { spy: true });

const NOW = 1_700_000_000;
const TOKEN = 'a.b.c';
const sender = { issuer: 'https://login.example.com', subject: 'alice', clientId: undefined };

function createClient() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) };
  let made = 0;
  return (claims: object = {}): string => {
    const content = { jti: String(made++), htm: 'GET', htu: 'https://api.example.com/', iat: NOW, ath: tokenHash(TOKEN), ...claims };
    const signed = [header, content].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}

function jktOf(proof: string): string {
  return (readProof(proof, ['ES256'], new Map()) as Exclude<ReturnType<typeof readProof>, string>).key.thumbprint;
}

const config: DpopConfig = { algorithms: ['ES256'], maxProofAgeSeconds: 60, clockSkewSeconds: 5, nonces: undefined, replays: { add: () => true } };

function checkerWith(more: Partial<DpopConfig> = {}) {
  const { check } = createProofChecker({ ...config, ...more }, 'https://api.example.com');
  return (proof: unknown, jkt: string) => {
    const request: ProtectedRequest = { method: 'GET', target: '/', headers: { dpop: proof as string } };
    return check(jkt, { scheme: 'DPoP', token: TOKEN }, request, NOW, sender);
  };
}

afterEach(() => vi.clearAllMocks());

describe('rule 91: a key is imported once it is known to be the right one', () => {
  test('and only for the first of its proofs', () => {
    const createProof = createClient();
    const jkt = jktOf(createProof());
    const check = checkerWith();
    for (const _time of [1, 2, 3]) expect(check(createProof(), jkt)).toBeUndefined();
    expect(importEmbeddedKey).toHaveBeenCalledTimes(1);
  });

  test('and not for a proof that is refused otherwise', () => {
    const [createProof, createOther] = [createClient(), createClient()];
    const jkt = jktOf(createProof());
    const check = checkerWith();
    for (const wrong of [createOther(), createProof({ iat: 1 }), createProof({ htm: 'POST' })])
      expect(check(wrong, jkt)).toMatchObject({ reason: 'invalid_proof' });
    expect(importEmbeddedKey).not.toHaveBeenCalled();
  });

  test('and is forgotten if its signature is wrong', () => {
    const createProof = createClient();
    const proof = createProof();
    const jkt = jktOf(proof);
    const check = checkerWith();
    const forged = `${proof.slice(0, -86)}${createProof().slice(-86)}`;
    for (const _time of [1, 2]) expect(check(forged, jkt)).toEqual({ reason: 'invalid_proof', cause: 'its signature is wrong' });
    expect(importEmbeddedKey).toHaveBeenCalledTimes(2);
  });
});

describe('rule 80: the field DPoP', () => {
  test('may be a list of one line', () => {
    const proof = createClient()();
    expect(checkerWith()([proof], jktOf(proof))).toBeUndefined();
  });

  test.each<[string, unknown, string]>([
    ['empty', '', 'the DPoP header is empty'],
    ['one empty line', [''], 'the DPoP header is empty'],
    ['a line that is no text', [7], 'the DPoP header is empty'],
    ['two lines', ['a', 'b'], 'the request has two DPoP headers'],
    ['8,192 characters', 'A'.repeat(8192), 'it is not a compact JWS'],
    ['8,193 characters', 'A'.repeat(8193), 'it is longer than 8192 characters'],
  ])('is refused if it is %s', (_name, field, cause) => {
    expect(checkerWith()(field, 'jkt')).toEqual({ reason: 'invalid_proof', cause });
  });

  test.each([[undefined], [[]]])('is missing: %j', (field) => {
    expect(checkerWith()(field, 'jkt')).toEqual({ reason: 'missing_proof' });
  });
});

test('rule 86: an iat in the future is explained with the latest date that counts', () => {
  const createProof = createClient();
  const { expected, found } = checkerWith()(createProof({ iat: NOW + 6 }), jktOf(createProof())) as unknown as Record<string, () => string>;
  expect([expected!(), found!()]).toEqual(['2023-11-14T22:13:25.000Z or earlier', '2023-11-14T22:13:26.000Z']);
});

test('rule 90: a refusal says whether the proof had no nonce or another one', () => {
  const createProof = createClient();
  const check = checkerWith({ nonces: { secrets: [Buffer.alloc(32)], lifetimeSeconds: 100, clockSkewSeconds: 5 } });
  for (const [nonce, cause] of [
    [undefined, 'it has none'],
    ['x'.repeat(22), 'it has another'],
  ])
    // prettier-ignore
    expect(check(createProof({ nonce }), jktOf(createProof()))).toEqual({ reason: 'nonce_required', cause, nonce: expect.stringMatching(/^[\w-]{22}$/) as string });
});

test('rule 90: the new nonce is known of every object by which the guard sees one request, and of no other request', () => {
  const createProof = createClient();
  const nonces = { secrets: [Buffer.alloc(32)], lifetimeSeconds: 100, clockSkewSeconds: 5 };
  const { check, newNonceFor } = createProofChecker({ ...config, nonces }, 'https://api.example.com');
  const [old, current] = [createNonces(nonces).current(NOW - 100), createNonces(nonces).current(NOW)];
  const heldBy = {};
  const ask = (headers: ProtectedRequest['headers']): string | undefined => {
    const request: ProtectedRequest = { method: 'GET', target: '/', headers, heldBy };
    expect(check(jktOf(createProof()), { scheme: 'DPoP', token: TOKEN }, request, NOW, sender)).toBeUndefined();
    return newNonceFor(request);
  };
  const headers = { dpop: createProof({ nonce: old }) };
  expect([ask(headers), ask(headers), ask(headers)]).toEqual([current, current, current]);
  // on the same connection
  expect(ask({ dpop: createProof({ nonce: current }) })).toBeUndefined();
});
