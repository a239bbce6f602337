import { describe, expect, test, vi } from 'vitest';
import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { createBinding } from './binding.js';
import { readConfirmation } from './confirmation.js';

const issuer = {} as Issuer;
const credentials: Credentials = { scheme: 'DPoP', token: 'token' };
const request: ProtectedRequest = { method: 'GET', target: '/', headers: {} };
const jkt = 'A'.repeat(43);
const certificate = `${'B'.repeat(42)}A`;
const failure: VerificationFailure = { reason: 'unproven_confirmation' };

function bindingWith(proof: unknown, ofCertificate: unknown) {
  const checkProof = vi.fn(() => proof as undefined);
  const checkCertificate = vi.fn(() => ofCertificate as undefined);
  const binding = createBinding({ checkProof, checkCertificate });
  const check = (cnf: unknown) => binding.check({ confirmation: readConfirmation(cnf), issuer }, credentials, request, 7);
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
  expect(checkProof.mock.calls).toEqual([[jkt, credentials, request, 7]]);
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
