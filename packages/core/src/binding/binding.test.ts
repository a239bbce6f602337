import { describe, expect, test, vi } from 'vitest';
import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { createBinding } from './binding.js';
import { readConfirmation } from './confirmation.js';
import type { SenderConstraint } from './dpop-options.js';

const issuer = {} as Issuer;
const credentials: Credentials = { scheme: 'DPoP', token: 'token' };
const bearer: Credentials = { scheme: 'Bearer', token: 'token' };
const request: ProtectedRequest = { method: 'GET', target: '/', headers: {} };
const jkt = 'A'.repeat(43);
const auth = { issuer: 'https://login.example.com', subject: 'somebody', clientId: undefined };
const certificate = `${'B'.repeat(42)}A`;
const failure: VerificationFailure = { reason: 'unproven_confirmation' };

/** The scheme by which a token with this `cnf` must come. */
function schemeFor(cnf: unknown): Credentials {
  return Object.hasOwn(Object(cnf) as object, 'jkt') ? credentials : bearer;
}

function bindingWith(proof: unknown, ofCertificate: unknown, senderConstraint?: SenderConstraint) {
  const checkProof = vi.fn(() => proof as undefined);
  const checkCertificate = vi.fn(() => ofCertificate as undefined);
  const binding = createBinding({ checkProof, checkCertificate, senderConstraint });
  const check = (cnf: unknown, sent = schemeFor(cnf), of = request) => binding.check({ confirmation: readConfirmation(cnf), issuer, auth }, sent, of, 7);
  return { check, checkProof, checkCertificate };
}

test('rule 88: admits a token without cnf, and asks for no proof', () => {
  const { check, checkProof, checkCertificate } = bindingWith(failure, failure);
  expect(check(undefined)).toBeUndefined();
  expect([checkProof, checkCertificate].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
});

test('rule 88: refuses a cnf that cannot be proven, and asks for no proof', () => {
  const { check, checkProof, checkCertificate } = bindingWith(undefined, undefined);
  for (const cnf of [{ jkt, jwk: {} }, {}, 'x', { jkt: 'short' }]) expect(check(cnf)).toMatchObject({ reason: 'unproven_confirmation', issuer });
  expect([checkProof, checkCertificate].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
});

test('rules 87 and 92: asks for the proof of each key', () => {
  const { check, checkProof, checkCertificate } = bindingWith(undefined, undefined);
  expect(check({ jkt })).toBeUndefined();
  expect(checkProof.mock.calls).toEqual([[jkt, credentials, request, 7, auth, {}]]);
  expect(checkCertificate).not.toHaveBeenCalled();
  expect(check({ 'x5t#S256': certificate })).toBeUndefined();
  expect(checkCertificate.mock.calls).toEqual([[certificate, request]]);
  expect(checkProof).toHaveBeenCalledTimes(1);
});

describe('rule 88: a token that is bound to a key and to a certificate needs both proofs', () => {
  const both = { jkt, 'x5t#S256': certificate };

  test.each([
    ['both hold', undefined, undefined, undefined],
    ['the proof fails', failure, undefined, { ...failure, issuer }],
    ['the certificate fails', undefined, failure, { ...failure, issuer }],
    ['both fail', failure, failure, { ...failure, issuer }],
  ])('%s', async (_name, proof, ofCertificate, expected) => {
    const atOnce = bindingWith(proof, ofCertificate);
    expect(atOnce.check(both)).toEqual(expected);
    for (const later of [
      bindingWith(Promise.resolve(proof), ofCertificate),
      bindingWith(proof, Promise.resolve(ofCertificate)),
      bindingWith(Promise.resolve(proof), Promise.resolve(ofCertificate)),
    ]) {
      expect(await later.check(both)).toEqual(expected);
      // a certificate that fails must not spend the proof
      expect(later.checkProof).toHaveBeenCalledTimes(ofCertificate ? 0 : 1);
    }
  });
});

describe('rules 87 and 88: a token must come by its scheme', () => {
  const proof = { ...request, headers: { dpop: '' } };

  test.each<[string, unknown, Credentials, ProtectedRequest, string]>([
    ['a bound token by Bearer', { jkt }, bearer, request, 'bound_token_as_bearer'],
    ['a bound token by Bearer with a proof', { jkt }, bearer, proof, 'bound_token_as_bearer'],
    ['a token bound to both by Bearer', { jkt, 'x5t#S256': certificate }, bearer, request, 'bound_token_as_bearer'],
    ['an unbound token by DPoP', undefined, credentials, request, 'unbound_token'],
    ['an unbound token by DPoP with a proof', undefined, credentials, proof, 'unbound_token'],
    ['a token bound to a certificate by DPoP', { 'x5t#S256': certificate }, credentials, proof, 'unbound_token'],
    ['an unbound token by Bearer with a DPoP header', undefined, bearer, proof, 'bearer_with_proof'],
    ['an unbound token by Bearer with a DPoP header in another spelling', undefined, bearer, { ...request, headers: { DPoP: 'a.b.c' } }, 'bearer_with_proof'],
    ['a token bound to a certificate by Bearer with a DPoP header', { 'x5t#S256': certificate }, bearer, proof, 'bearer_with_proof'],
  ])('%s', (_name, cnf, sent, of, reason) => {
    const { check, checkProof, checkCertificate } = bindingWith(undefined, undefined);
    expect(check(cnf, sent, of)).toMatchObject({ reason, issuer });
    expect([checkProof, checkCertificate].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  });
});

test.each<[SenderConstraint, unknown, boolean]>([
  ['dpop', undefined, false],
  ['dpop', { 'x5t#S256': certificate }, false],
  ['dpop', { jkt }, true],
  ['dpop', { jkt, 'x5t#S256': certificate }, true],
  ['mtls', undefined, false],
  ['mtls', { jkt }, false],
  ['mtls', { 'x5t#S256': certificate }, true],
  ['mtls', { jkt, 'x5t#S256': certificate }, true],
  ['any', undefined, false],
  ['any', { jkt }, true],
  ['any', { 'x5t#S256': certificate }, true],
])('rule 87: senderConstraint "%s" with the cnf %j: accepts the token: %s', (constraint, cnf, isAccepted) => {
  expect(bindingWith(undefined, undefined, constraint).check(cnf)).toEqual(isAccepted ? undefined : expect.objectContaining({ reason: 'unbound_token' }));
});

test.each<[SenderConstraint, string]>([
  ['dpop', 'senderConstraint demands a cnf with jkt'],
  ['mtls', 'senderConstraint demands a cnf with x5t#S256'],
  ['any', 'senderConstraint demands a bound token'],
])('rule 174: the cause says what senderConstraint "%s" demands', (constraint, cause) => {
  expect(bindingWith(undefined, undefined, constraint).check(undefined)).toMatchObject({ reason: 'unbound_token', cause });
  const off = createBinding({ checkProof: undefined, checkCertificate: () => undefined, senderConstraint: constraint });
  const failureOf = off.check({ confirmation: undefined, issuer, auth }, bearer, request, 7);
  expect(failureOf).toMatchObject({ cause: constraint === 'any' ? `${cause}, and the option dpop is false` : cause });
});

test('rule 88: if DPoP is off, a token with jkt is refused, and the header DPoP is one like any other', () => {
  const checkCertificate = vi.fn(() => undefined);
  const off = createBinding({ checkProof: undefined, checkCertificate, senderConstraint: undefined });
  for (const cnf of [{ jkt }, { jkt, 'x5t#S256': certificate }]) {
    for (const sent of [credentials, bearer])
      expect(off.check({ confirmation: readConfirmation(cnf), issuer, auth }, sent, request, 7)).toEqual({
        reason: 'unproven_confirmation',
        cause: 'cnf has jkt, and the option dpop is false',
        issuer,
      });
  }
  expect(checkCertificate).not.toHaveBeenCalled();
  expect(off.check({ confirmation: undefined, issuer, auth }, bearer, { ...request, headers: { dpop: 'x' } }, 7)).toBeUndefined();
});
