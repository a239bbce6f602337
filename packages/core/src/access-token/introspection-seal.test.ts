import { expect, test } from 'vitest';
import { answerName, createAnswerSealer } from './introspection-seal.js';

const answer = { claims: Object.freeze({ active: true, sub: 'user-1' }), askedAt: 1_900_000_000.25 };
const sealer = createAnswerSealer('a secret');

test('rule 74: the name is a hash of the endpoint and of the whole token', () => {
  expect(answerName('e', 'token')).toMatch(/^[\w-]{43}$/);
  const names = [answerName('e', 'token'), answerName('e', 'tokem'), answerName('f', 'token'), answerName('et', 'oken'), answerName('e\nt', 'oken')];
  expect(new Set(names).size).toBe(names.length);
});

test('rule 74: an answer is opened for its name and token, with its secret, and unchanged', () => {
  const sealed = sealer.seal('name', 'token', answer);
  expect(sealer.open('name', 'token', sealed)).toEqual(answer);
  expect(sealer.seal('name', 'token', answer)).not.toBe(sealed);
  expect(sealer.open('other', 'token', sealed)).toBeUndefined();
  expect(sealer.open('name', 'other', sealed)).toBeUndefined();
  expect(createAnswerSealer('another secret').open('name', 'token', sealed)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    expect(sealer.open('name', 'token', changed.toString('base64url')), `byte ${at}`).toBeUndefined();
    expect(sealer.open('name', 'token', bytes.subarray(0, at).toString('base64url')), `${at} bytes`).toBeUndefined();
  }
});

test('rule 74: what somebody with the secret sealed must be an answer all the same', () => {
  const open = (content: object) => sealer.open('name', 'token', sealer.seal('name', 'token', content as typeof answer));
  expect(open(answer)).toEqual(answer);
  for (const other of [{ askedAt: '1' }, { askedAt: undefined }, { askedAt: 1e15 }, { claims: null }, { claims: 'x' }, { claims: undefined }])
    expect(open({ ...answer, ...other }), JSON.stringify(other)).toBeUndefined();
});

test('rule 74: reads texts of up to 131,000 characters, and nothing else', () => {
  const sealedOf = (bytes: number) => {
    const rest = JSON.stringify({ askedAt: answer.askedAt, claims: { pad: '' } }).length + 28;
    return sealer.seal('name', 'token', { ...answer, claims: { pad: 'x'.repeat(bytes - rest) } });
  };
  const [longest, longer] = [sealedOf(98_250), sealedOf(98_251)];
  expect([longest.length, longer.length]).toEqual([131_000, 131_002]);
  expect(sealer.open('name', 'token', longest)).toBeDefined();
  expect(sealer.open('name', 'token', longer)).toBeUndefined();
  for (const other of [undefined, null, 7, Buffer.from(longest), [longest], '']) expect(sealer.open('name', 'token', other)).toBeUndefined();
});
