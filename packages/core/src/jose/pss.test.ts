import type * as Crypto from 'node:crypto';
import { constants, createVerify, generateKeyPairSync, sign, verify } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, verify: vi.fn(crypto.verify) as never, createVerify: vi.fn(crypto.createVerify) };
});

const real = await vi.importActual<typeof Crypto>('node:crypto');
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const DATA = Buffer.from('data');
const parameters = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
const signature = sign('sha256', DATA, { key: privateKey, ...parameters });
const isPlainObject = (input: unknown): boolean => Object.getPrototypeOf(input) === Object.prototype;

/** Runs the module anew, since it remembers the way. */
async function freshWay() {
  vi.resetModules();
  const { pssWay, verifyBy } = await import('./pss.js');
  return () => {
    const way = pssWay()!;
    const input = way.input(publicKey, parameters);
    const check = (text: Buffer, of = signature) => verifyBy(way.kind, 'sha256', text.toString('latin1'), input, of);
    return { kind: way.kind, isPlain: isPlainObject(input), check };
  };
}

afterEach(() => {
  vi.mocked(verify).mockImplementation(real.verify);
  vi.mocked(createVerify).mockImplementation(real.createVerify);
});

describe('rule 26: PSS parameters are given to each runtime where it reads them', () => {
  const pkcs1 = sign('sha256', DATA, privateKey);
  const otherSalt = sign('sha256', DATA, { key: privateKey, ...parameters, saltLength: 20 });

  /** `verify` of a runtime that reads no members of a key object. */
  const withoutMembers = (hash: string, text: Buffer, input: never, of: Buffer): boolean =>
    real.verify(hash, text, isPlainObject(input) ? input : real.createPublicKey(real.createPublicKey(input).export({ type: 'spki', format: 'pem' })), of);

  test.each([
    ['members of a key object, in Node', real.verify, { kind: 'signature', isPlain: false }],
    ['a plain object, in a runtime that ignores the members', withoutMembers, { kind: 'signature', isPlain: true }],
    ['createVerify, in a runtime whose verify reads none', () => false, { kind: 'streamed', isPlain: false }],
  ])('%s', async (_name, verifyOfRuntime, expected) => {
    vi.mocked(verify).mockImplementation(verifyOfRuntime as never);
    const { check, ...way } = (await freshWay())();
    expect(way).toEqual(expected);
    expect([check(DATA), check(Buffer.from('other')), check(DATA, pkcs1), check(DATA, otherSalt)]).toEqual([true, false, false, false]);
  });
});
