import { setImmediate } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProtectedRequest } from '../request/protected-request.js';
import { MAX_CERTIFICATE_BYTES, ofConnection, ofFunction, thumbprintOf, type CertificateSource } from './certificate-source.js';
import { createCertificateCheck } from './mtls.js';

const { raw } = new X509Certificate(readFileSync(new URL('../../test/self-signed/cert.pem', import.meta.url)));
/** Of `openssl x509 -in cert.pem -outform DER | openssl dgst -sha256 -binary | basenc --base64url`, without its padding. */
const thumbprint = 'f6zDYm6BLD5wpy3NdVFUWFO3SmeTSU6x7Qt72So8zLM';
const request: ProtectedRequest = { method: 'GET', target: '/', headers: {} };

function reasonOf(given: unknown, source: CertificateSource = ofConnection, acceptsUnauthorized = false) {
  const check = createCertificateCheck({ source, acceptsUnauthorized, authority: source === ofConnection ? 'server' : 'function' });
  return check(thumbprint, { ...request, clientCertificate: given as ProtectedRequest['clientCertificate'] });
}

test('rule 92: x5t#S256 is the SHA-256 of the certificate in DER, without padding', () => {
  expect(thumbprintOf(raw)).toBe(thumbprint);
});

test('rule 92: admits the certificate to which the token is bound, and no other', () => {
  expect(reasonOf(() => ({ raw, authorized: true }))).toBeUndefined();
  expect(reasonOf(() => ({ raw: new Uint8Array(raw), authorized: true }))).toBeUndefined();
  for (const other of [raw.subarray(1), Buffer.concat([raw, raw]), Buffer.from(raw).fill(0, 9, 10), new Uint8Array(MAX_CERTIFICATE_BYTES)]) {
    expect(reasonOf(() => ({ raw: other, authorized: true }))).toEqual({ reason: 'wrong_certificate' });
  }
});

test('rule 92: a thumbprint of another length is that of another certificate', () => {
  for (const short of ['', thumbprint.slice(1)])
    expect(reasonOf(undefined, () => ({ thumbprint: short, authorized: true }))).toEqual({ reason: 'wrong_certificate' });
});

test.each<[string, unknown]>([
  ['a request that knows no connection', undefined],
  ['a connection without a certificate', () => undefined],
])('rule 92: refuses %s', (_name, given) => {
  expect(reasonOf(given)).toEqual({ reason: 'missing_certificate', cause: 'the connection has none' });
});

describe('rule 92: what is no certificate in DER does not count', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['a text', raw.toString('base64')],
    ['a certificate without its object', raw],
    ['no bytes', { raw: new Uint8Array(), authorized: true }],
    ['a text in the place of bytes', { raw: raw.toString('latin1'), authorized: true }],
    ['too many bytes', { raw: new Uint8Array(MAX_CERTIFICATE_BYTES + 1), authorized: true }],
    ['a promise', Promise.resolve({ raw, authorized: true })],
  ])('%s', (_name, certificate) => {
    for (const failure of [
      reasonOf(() => certificate),
      reasonOf(
        undefined,
        ofFunction(() => certificate as undefined),
      ),
    ]) {
      expect(failure).toMatchObject({ reason: 'missing_certificate', cause: expect.stringMatching(/ is (?:not|neither) /) as string });
    }
  });
});

test('rule 93: a certificate that TLS did not authorise counts only if the option says so', () => {
  for (const authorized of [false, undefined, 'true', 1]) {
    const certificate = () => ({ raw, authorized });
    expect(reasonOf(certificate)).toMatchObject({ reason: 'wrong_certificate', cause: expect.stringContaining('authorise') as string });
    expect(reasonOf(certificate, ofConnection, true)).toBeUndefined();
  }
  expect(reasonOf(() => ({ raw: raw.subarray(1), authorized: false }), ofConnection, true)).toEqual({ reason: 'wrong_certificate' });
});

describe('getCertificate', () => {
  const ofConnectionToo = () => ({ raw, authorized: true });

  test('rule 92: is asked with the request, and replaces the certificate of the connection', () => {
    const seen: ProtectedRequest[] = [];
    const asked = ofFunction((given) => {
      seen.push(given);
      return { raw, authorized: true };
    });
    expect(reasonOf(undefined, asked)).toBeUndefined();
    expect(seen).toMatchObject([request]);
    expect(
      reasonOf(
        ofConnectionToo,
        ofFunction(() => undefined),
      ),
    ).toEqual({ reason: 'missing_certificate', cause: 'getCertificate returned none' });
  });

  test('rule 92: may know only the digest of the certificate', () => {
    const hex = Buffer.from(thumbprint, 'base64url').toString('hex');
    const digest = (sha256: unknown, authorized = true) => ofFunction(() => ({ sha256, authorized }) as never);
    for (const sha256 of [hex, hex.toUpperCase(), hex.replaceAll(/..(?!$)/g, '$&:')]) expect(reasonOf(undefined, digest(sha256))).toBeUndefined();
    expect(reasonOf(undefined, digest('a'.repeat(64)))).toEqual({ reason: 'wrong_certificate' });
    expect(reasonOf(undefined, digest(hex, false))).toEqual({ reason: 'wrong_certificate', cause: 'getCertificate returned it with authorized: false' });
    for (const sha256 of ['', hex.slice(2), `${hex}:`, hex.replace(/..(?!$)/, '$&:'), `0${hex}`, thumbprint, 1, [hex]])
      expect(reasonOf(undefined, digest(sha256))).toMatchObject({ reason: 'missing_certificate', cause: expect.stringMatching(/ is neither /) as string });
    // the certificate itself decides if both are there
    expect(
      reasonOf(
        undefined,
        ofFunction(() => ({ raw: raw.subarray(1), sha256: hex, authorized: true })),
      ),
    ).toEqual({ reason: 'wrong_certificate' });
    // no connection knows a digest only
    expect(reasonOf(() => ({ sha256: hex, authorized: true }))).toMatchObject({ reason: 'missing_certificate' });
  });

  test('rule 92: has no certificate if it throws, and its error is not shown', () => {
    const failing = ofFunction(() => {
      throw new Error('secret');
    });
    expect(reasonOf(ofConnectionToo, failing)).toEqual({ reason: 'missing_certificate', cause: 'getCertificate threw an error' });
    // oxlint-disable-next-line getter-return -- it throws
    const unreadable = { authorized: true, get raw(): never { throw new Error('secret'); } }; // prettier-ignore
    const odd = ofFunction(() => unreadable);
    expect(reasonOf(ofConnectionToo, odd)).toEqual({ reason: 'missing_certificate', cause: 'getCertificate threw an error' });
  });

  test('rule 259: a promise is no certificate, and does not end the process if it rejects', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    for (const promised of [Promise.reject(new Error('secret')), Promise.resolve({ raw, authorized: true })]) {
      const late = ofFunction((() => promised) as never);
      expect(reasonOf(ofConnectionToo, late)).toMatchObject({ reason: 'missing_certificate' });
      expect(reasonOf(() => promised)).toMatchObject({ reason: 'missing_certificate' });
    }
    await setImmediate();
    expect(unhandled).not.toHaveBeenCalled();
  });
});
